package versioner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

// recording is a server that records every event, and gives the bodies.
func recording(t *testing.T) (string, <-chan map[string]any) {
	bodies := make(chan map[string]any, 100)
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(request.Body).Decode(&body)
		bodies <- body
		_, _ = answer.Write([]byte(`{"id": "evt-1"}`))
	}))
	t.Cleanup(server.Close)
	return server.URL, bodies
}

func TestOptionsMeanWhatTheySay(t *testing.T) {
	given := versioner.WithAPIKey(key)
	for name, option := range map[string]versioner.Option{
		"max_retries":     versioner.WithMaxRetries(math.MaxInt32 + 1),
		" max_retries":    versioner.WithMaxRetries(-1),
		"retry_pause":     versioner.WithRetryPause(-1),
		"attempt_timeout": versioner.WithAttemptTimeout(0),
		"total_timeout":   versioner.WithTotalTimeout(time.Microsecond),
		"concurrency":     versioner.WithConcurrency(0),
		"outbox":          versioner.WithOutbox("/tmp/a\x00b"),
		"ui_url":          versioner.WithUIURL("http://a\x00b"),
	} {
		_, err := versioner.New(given, option)
		var config *versioner.ConfigError
		if !errors.As(err, &config) || config.Argument != strings.TrimSpace(name) || !strings.Contains(err.Error(), config.Argument) {
			t.Errorf("%s: %T: %v", name, err, err)
		}
	}
	for _, option := range []versioner.Option{
		nil, versioner.WithRetryPause(0), versioner.WithRetryPause(time.Hour), versioner.WithTotalTimeout(24 * time.Hour),
		versioner.WithMaxRetries(math.MaxInt32), versioner.WithLogger(nil), versioner.WithEnvironment(nil),
	} {
		made, err := versioner.New(given, option)
		check(t, err)
		check(t, made.Close())
	}
}

// Three pauses of the default length would last seven seconds.
func TestNoRetryPause(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := client(t, "http://127.0.0.1:1", versioner.WithRetryPause(0)).TrackBuild(ctx, aBuild)
	var network *versioner.NetworkError
	if !errors.As(err, &network) || network.Attempts != 4 {
		t.Errorf("%T: %v", err, err)
	}
}

func TestTimes(t *testing.T) {
	url, bodies := recording(t)
	tracker := client(t, url)
	build := aBuild
	build.StartedAt = versioner.At(time.Date(2026, 1, 31, 16, 4, 5, 250e6, time.FixedZone("", 3600)))
	build.CompletedAt = versioner.At(time.Time{})
	// RFC 3339 has no seconds in an offset, which the local times of former centuries have.
	if old := versioner.At(time.Date(1890, 1, 1, 0, 19, 32, 0, time.FixedZone("", 1172))); old != "1890-01-01T00:00:00Z" {
		t.Errorf("%v", old)
	}
	_, err := tracker.TrackBuild(context.Background(), build)
	check(t, err)
	body := <-bodies
	if _, isThere := body["completed_at"]; isThere || body["started_at"] != "2026-01-31T16:04:05.25+01:00" {
		t.Errorf("%v", body)
	}
	build.CompletedAt = "noon"
	_, err = tracker.TrackBuild(context.Background(), build)
	var argument *versioner.ArgumentError
	if !errors.As(err, &argument) || !strings.Contains(err.Error(), "completed_at") {
		t.Errorf("%T: %v", err, err)
	}
}

func TestMetadataOfAnySort(t *testing.T) {
	url, bodies := recording(t)
	tracker := client(t, url)
	type team struct {
		Team string `json:"team"`
	}
	for _, value := range []any{
		`{"team": "a<b"}`, []byte(`{"team": "a<b"}`), json.RawMessage(`{"team": "a<b"}`),
		map[string]string{"team": "a<b"}, team{"a<b"}, &team{"a<b"},
	} {
		build := aBuild
		build.ExtraMetadata = value
		_, err := tracker.TrackBuild(context.Background(), build)
		check(t, err)
		if sent, _ := (<-bodies)["extra_metadata"].(map[string]any); sent["team"] != "a<b" {
			t.Errorf("%#v: %v", value, sent)
		}
	}
	for _, value := range []any{nil, map[string]any(nil), (*team)(nil)} {
		_, err := tracker.TrackDeployment(context.Background(), versioner.Deployment{
			Product: "api", Environment: "staging", Version: "1", ExtraMetadata: value,
		})
		check(t, err)
		if sent, isThere := (<-bodies)["extra_metadata"]; isThere {
			t.Errorf("%#v: %v", value, sent)
		}
	}
	for _, value := range []any{make(chan int), math.NaN(), "[]", 5, map[string]any{"a": "\x00", "b": func() {}}} {
		build := aBuild
		build.ExtraMetadata = value
		_, err := tracker.TrackBuild(context.Background(), build)
		var argument *versioner.ArgumentError
		if !errors.As(err, &argument) || !strings.Contains(err.Error(), "extra_metadata") {
			t.Errorf("%#v: %T: %v", value, err, err)
		}
	}
}

func TestWhatOneCallIsTold(t *testing.T) {
	url, bodies := recording(t)
	skip := true
	result, err := client(t, url).TrackDeployment(context.Background(), versioner.Deployment{
		Product: "api", Environment: "$(Stage)", Version: "1", AllowLiteral: true,
		SkipPreflightChecks: &skip, SkipReason: "the site is down", Timeout: time.Hour,
	})
	check(t, err)
	body := <-bodies
	metadata, _ := body["extra_metadata"].(map[string]any)
	if body["environment_name"] != "$(Stage)" || metadata["vi_skip_reason"] != "the site is down" {
		t.Errorf("%v", body)
	}
	if len(result.Warnings) != 2 {
		t.Errorf("%+v", result.Warnings)
	}
}

func TestATimeoutOfOneCall(t *testing.T) {
	url, _ := silent(t)
	tracker := client(t, url, versioner.WithAttemptTimeout(time.Hour), versioner.WithTotalTimeout(2*time.Hour))
	build := aBuild
	build.Timeout = 1500 * time.Microsecond // rounded up
	_, err := tracker.TrackBuild(context.Background(), build)
	var network *versioner.NetworkError
	if !errors.As(err, &network) || !network.Timeout() || !strings.Contains(err.Error(), "0.002 s") {
		t.Errorf("%T: %v", err, err)
	}
	for _, timeout := range []time.Duration{-time.Second, time.Microsecond, math.MinInt64} {
		build.Timeout = timeout
		_, ofBuild := tracker.TrackBuild(context.Background(), build)
		_, ofDeployment := tracker.TrackDeployment(context.Background(), versioner.Deployment{Timeout: timeout})
		for _, err := range []error{ofBuild, ofDeployment} {
			var argument *versioner.ArgumentError
			if !errors.As(err, &argument) || argument.Argument != "timeout" || !strings.Contains(err.Error(), timeout.String()) {
				t.Errorf("%v: %T: %v", timeout, err, err)
			}
		}
	}
}

func TestTextsThatCCannotBeTold(t *testing.T) {
	tracker := client(t, "http://127.0.0.1:1")
	for name, build := range map[string]versioner.Build{
		"product":    {Product: "a\x00b", Version: "1"},
		"scm_branch": {Product: "a", Version: "1", SCMBranch: "\x00"},
		"built_by":   {Product: "a", Version: "1", BuiltBy: "M\xfcller"},
	} {
		_, err := tracker.TrackBuild(context.Background(), build)
		var argument *versioner.ArgumentError
		if !errors.As(err, &argument) || !strings.Contains(err.Error(), name) {
			t.Errorf("%T: %v", err, err)
		}
	}
}

func TestALoggersOwnFaultIsToldOnce(t *testing.T) {
	var told bytes.Buffer
	log.SetOutput(&told)
	defer log.SetOutput(os.Stderr)
	tracker := client(t, answering(t), versioner.WithLogger(func(versioner.Level, string) { panic("the disk is full") }))
	for index := 0; index < 2; index++ {
		result, err := tracker.TrackBuild(context.Background(), aBuild)
		if err != nil || !result.Recorded {
			t.Errorf("%v %+v", err, result)
		}
	}
	if strings.Count(told.String(), "versioner: the logger panicked: the disk is full") != 1 {
		t.Error(told.String())
	}
}
