package versioner_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	versioner "github.com/versioner-io/libversioner/bindings/go"
)

const key = "sk_test_k1_secretsecret"

var aBuild = versioner.Build{Product: "api", Version: "1.2.3"}

func client(t *testing.T, url string, more ...versioner.Option) *versioner.Client {
	t.Helper()
	with := []versioner.Option{
		versioner.WithAPIKey(key), versioner.WithAPIURL(url),
		versioner.WithEnvironment(map[string]string{}),
	}
	made, err := versioner.New(append(with, more...)...)
	check(t, err)
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func answering(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(answer, `{"id": "evt-1"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// silent is a server that accepts, tells of each request, and never answers.
func silent(t *testing.T) (string, <-chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	arrivals := make(chan struct{}, 1000)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				if amount, _ := connection.Read(make([]byte, 16)); amount > 0 {
					arrivals <- struct{}{}
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String(), arrivals
}

func TestEveryMemberOfTheHeaderHasOneHere(t *testing.T) {
	header, err := os.ReadFile("../../include/versioner.h")
	check(t, err)
	for name, event := range map[string]any{
		"versioner_build_event": versioner.Build{}, "versioner_deployment_event": versioner.Deployment{},
	} {
		body := regexp.MustCompile(`(?s)typedef struct ` + name + ` \{(.*?)\} ` + name).FindSubmatch(header)
		members := regexp.MustCompile(`(?m)^  [a-z0-9_ ]+[ *]([a-z_]+);`).FindAllSubmatch(body[1], -1)
		if len(members) < 15 {
			t.Fatalf("%s has only %d members", name, len(members))
		}
		for _, found := range members {
			member := member(reflect.ValueOf(event), string(found[1]))
			isOwn := string(found[1]) == "struct_size" || string(found[1]) == "cancel_flag"
			if !member.IsValid() && !isOwn {
				t.Errorf("%s.%s has no member here", name, found[1])
			}
		}
	}
}

func TestContextEndsACall(t *testing.T) {
	url, arrivals := silent(t)
	tracker := client(t, url)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-arrivals
		cancel()
	}()
	_, err := tracker.TrackBuild(ctx, aBuild)
	var interrupted *versioner.InterruptedError
	if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%T: %v", err, err)
	}
	past, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	if _, err = tracker.TrackBuild(past, aBuild); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%T: %v", err, err)
	}
}

func TestErrorsHaveTypes(t *testing.T) {
	var status atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.WriteHeader(int(status.Load()))
		fmt.Fprint(answer, `{"detail": {"code": "FLOW_VIOLATION", "message": "staging first",
			"retry_after": "2026-01-01T00:00:00Z", "details": {"rule_name": "Flow"}}}`)
	}))
	defer server.Close()
	tracker := client(t, server.URL)
	deployment := versioner.Deployment{Product: "api", Environment: "production", Version: "1", Status: "started"}

	status.Store(http.StatusPreconditionRequired)
	_, err := tracker.TrackDeployment(context.Background(), deployment)
	var rejected *versioner.RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("%T: %v", err, err)
	}
	if rejected.Rule != "Flow" || rejected.PolicyCode != "FLOW_VIOLATION" || rejected.Code != versioner.Rejected ||
		rejected.RetryAfter == "" || !strings.Contains(string(rejected.Details), "rule_name") {
		t.Errorf("%+v", rejected.Result)
	}
	var general *versioner.Error
	if !errors.As(err, &general) || !strings.Contains(err.Error(), "staging first") {
		t.Errorf("%v", err)
	}

	status.Store(http.StatusUnauthorized)
	_, err = tracker.TrackDeployment(context.Background(), deployment)
	var api *versioner.APIError
	if !errors.As(err, &api) || api.HTTPStatus != http.StatusUnauthorized {
		t.Errorf("%T: %v", err, err)
	}

	_, err = tracker.TrackDeployment(context.Background(), versioner.Deployment{})
	var argument *versioner.ArgumentError
	if !errors.As(err, &argument) {
		t.Errorf("%T: %v", err, err)
	}

	_, err = tracker.TrackBuild(context.Background(), versioner.Build{Product: "a\x00b", Version: "1"})
	if !errors.As(err, &argument) || !strings.Contains(err.Error(), "NUL") {
		t.Errorf("%T: %v", err, err)
	}

	_, err = client(t, "http://127.0.0.1:1", versioner.WithMaxRetries(0)).TrackBuild(context.Background(), aBuild)
	var network *versioner.NetworkError
	if !errors.As(err, &network) {
		t.Errorf("%T: %v", err, err)
	}

	_, err = versioner.New(versioner.WithEnvironment(map[string]string{}))
	var config *versioner.ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), "API key is required") {
		t.Errorf("%T: %v", err, err)
	}
}

func TestBestEffortIsNoError(t *testing.T) {
	tracker := client(t, "http://127.0.0.1:1", versioner.WithMaxRetries(0), versioner.WithFailOnAPIError(false))
	result, err := tracker.TrackBuild(context.Background(), aBuild)
	check(t, err)
	if result.Recorded || result.Status != "not_recorded" || len(result.Warnings) != 1 {
		t.Errorf("%+v", result)
	}
}

func TestClose(t *testing.T) {
	tracker := client(t, answering(t))
	check(t, tracker.Close())
	check(t, tracker.Close())
	for _, unusable := range []*versioner.Client{tracker, {}} {
		if _, err := unusable.TrackBuild(context.Background(), aBuild); !errors.Is(err, versioner.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}

func TestManyGoroutinesShareAClient(t *testing.T) {
	var mutex sync.Mutex
	messages := 0
	tracker := client(t, answering(t), versioner.WithLogger(func(_ versioner.Level, message string) {
		mutex.Lock()
		defer mutex.Unlock()
		messages++
		defer panic("a logger's own fault")
		if strings.Contains(message, key) {
			t.Errorf("the key shows in %q", message)
		}
	}))
	var group sync.WaitGroup
	for index := 0; index < 100; index++ {
		group.Add(1)
		go func() {
			defer group.Done()
			result, err := tracker.TrackBuild(context.Background(), aBuild)
			if err != nil || result.EventID != "evt-1" {
				t.Errorf("%v %+v", err, result)
			}
		}()
	}
	group.Wait()
	if messages == 0 {
		t.Error("the logger received nothing")
	}
}

func TestWaitingCallsDoNotPileUpOnThreads(t *testing.T) {
	const limit, calls = 8, 300
	url, arrivals := silent(t)
	tracker := client(t, url, versioner.WithConcurrency(limit))
	before := threads(t)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for index := 0; index < calls; index++ {
		group.Add(1)
		go func() {
			defer group.Done()
			_, _ = tracker.TrackBuild(ctx, aBuild)
		}()
	}
	for index := 0; index < limit; index++ {
		<-arrivals
	}
	// Each call in progress has a thread, and had one that connected; the runtime has a few.
	if grown := threads(t) - before; grown > 3*limit+10 {
		t.Errorf("%d calls in progress have %d threads", limit, grown)
	}
	cancel()
	group.Wait()
}

func threads(t *testing.T) int {
	tasks, err := filepath.Glob("/proc/self/task/*")
	check(t, err)
	return len(tasks)
}
