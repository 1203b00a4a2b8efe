package versioner_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

func TestErrorsHaveTypes(t *testing.T) {
	var status atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.WriteHeader(int(status.Load()))
		fmt.Fprint(answer, `{"detail": {"code": "FLOW_VIOLATION", "message": "staging first",
			"retry_after": "2026-01-01T00:00:00Z", "details": {"rule_name": "Flow"}}}`)
	}))
	defer server.Close()
	tracker := client(t, server.URL)
	deployment := versioner.Deployment{Product: "api", Environment: "production", Version: "1", Status: versioner.StatusStarted}

	status.Store(http.StatusPreconditionRequired)
	_, err := tracker.TrackDeployment(context.Background(), deployment)
	var rejected *versioner.RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("%T: %v", err, err)
	}
	if rejected.Rule != "Flow" || rejected.PolicyCode != "FLOW_VIOLATION" || rejected.Code != versioner.Rejected ||
		rejected.Kind != versioner.KindFlowViolation ||
		rejected.RetryAfter == "" || !strings.Contains(string(rejected.Details), "rule_name") {
		t.Errorf("%+v", rejected.Result)
	}
	var general *versioner.Error
	if !errors.As(err, &general) || general.Rule != "Flow" || !strings.Contains(err.Error(), "staging first") {
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

	_, err = client(t, "http://127.0.0.1:1", versioner.WithMaxRetries(0)).TrackBuild(context.Background(), aBuild)
	var network *versioner.NetworkError
	if !errors.As(err, &network) || network.Timeout() {
		t.Errorf("%T: %v", err, err)
	}

	_, err = versioner.New(versioner.WithEnvironment(map[string]string{}))
	var config *versioner.ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), "API key is required") {
		t.Errorf("%T: %v", err, err)
	}
}

func TestATimeoutSaysSo(t *testing.T) {
	url, _ := silent(t)
	tracker := client(t, url, versioner.WithMaxRetries(0), versioner.WithAttemptTimeout(20*time.Millisecond))
	_, err := tracker.TrackBuild(context.Background(), aBuild)
	var timeout interface{ Timeout() bool }
	var network *versioner.NetworkError
	if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.As(err, &network) || network.Kind != versioner.KindTimeout {
		t.Errorf("%T: %v", err, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = client(t, url).TrackBuild(ctx, aBuild)
	if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%T: %v", err, err)
	}
}

// What a program's own tests make has all that ours have.
func TestErrorsCanBeMade(t *testing.T) {
	result := versioner.Result{Code: versioner.Rejected, Message: "not today", Rule: "Freeze"}
	cause := errors.New("cause")
	for _, made := range []error{
		&versioner.Error{Result: result, Cause: cause}, &versioner.RejectedError{Result: result},
		&versioner.APIError{Result: result}, &versioner.NetworkError{Result: result},
		&versioner.ArgumentError{Result: result}, &versioner.ConfigError{Result: result},
		&versioner.InterruptedError{Result: result, Cause: cause},
	} {
		var general *versioner.Error
		if !errors.As(made, &general) || general.Rule != "Freeze" || made.Error() != "versioner: not today" {
			t.Errorf("%T: %v", made, made)
		}
		if general.Cause != nil && !errors.Is(made, cause) {
			t.Errorf("%T hides its cause", made)
		}
	}
	if text := (&versioner.RejectedError{Result: versioner.Result{Kind: versioner.KindRejected}}).Error(); text != "versioner: rejected" {
		t.Error(text)
	}
}

func TestEveryKindOfTheHeaderIsAConstant(t *testing.T) {
	header, err := os.ReadFile("../../include/versioner.h")
	check(t, err)
	source, err := os.ReadFile("kind.go")
	check(t, err)
	kinds := regexp.MustCompile(`(?m)^  VERSIONER_KIND_([A-Z_]+) = \d+,`).FindAllSubmatch(header, -1)
	compareKinds(t, kinds, regexp.MustCompile(`(?m)^\tKind(\w+) +Kind += "(\w+)"$`).FindAllSubmatch(source, -1))
	about := regexp.MustCompile(`(?s)// What a warning is about;.*?versioner_result_warning_kind`).Find(header)
	warnings := regexp.MustCompile(`"([a-z_]+)"`).FindAllSubmatch(about, -1)
	compareKinds(t, warnings, regexp.MustCompile(`(?m)^\tWarn(\w+) +WarningKind += "(\w+)"$`).FindAllSubmatch(source, -1))
}

func compareKinds(t *testing.T, kinds, constants [][][]byte) {
	t.Helper()
	if len(kinds) < 5 || len(kinds) != len(constants) {
		t.Errorf("the header has %d, kind.go has %d", len(kinds), len(constants))
	}
	names := make(map[string]string)
	for _, constant := range constants {
		names[string(constant[2])] = string(constant[1])
	}
	for _, kind := range kinds {
		value := strings.ToLower(string(kind[1]))
		if !strings.EqualFold(names[value], strings.ReplaceAll(value, "_", "")) {
			t.Errorf("%q has the constant %q", value, names[value])
		}
	}
}
