package versioner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

var aDeployment = versioner.Deployment{Product: "api", Environment: "production", Version: "1.2.3"}

// audience is a server that records what it is told, and answers as it is asked to.
type audience struct {
	url   string
	mutex sync.Mutex
	told  []string // status, class of error and exit code of each event
}

func (a *audience) heard() []string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.told
}

// listening answers the event of a status with what answers has for it, else with success.
func listening(t *testing.T, answers map[string]int) *audience {
	heard := &audience{}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		var event struct {
			Status   string
			Metadata struct {
				Class string `json:"vi_error_class"`
				Code  *int   `json:"vi_exit_code"`
			} `json:"extra_metadata"`
		}
		_ = json.NewDecoder(request.Body).Decode(&event)
		said := strings.TrimSpace(event.Status + " " + event.Metadata.Class)
		if event.Metadata.Code != nil {
			said += fmt.Sprintf(" %d", *event.Metadata.Code)
		}
		if strings.Contains(request.URL.Path, "build") {
			said = "build " + said
		}
		heard.mutex.Lock()
		heard.told = append(heard.told, said)
		heard.mutex.Unlock()
		if status := answers[event.Status]; status != 0 {
			answer.WriteHeader(status)
		}
		fmt.Fprint(answer, `{"id": "dep-1", "detail": {"message": "frozen"}}`)
	}))
	t.Cleanup(server.Close)
	heard.url = server.URL
	return heard
}

func TestADeploymentEndsAsItsBodyDoes(t *testing.T) {
	own := &os.PathError{Op: "open", Path: "/secret", Err: os.ErrNotExist}
	for name, body := range map[string]struct {
		returns error
		told    []string
	}{
		"a success":       {nil, []string{"started", "completed"}},
		"a failure":       {own, []string{"started", "failed *fs.PathError"}},
		"a wrapped one":   {fmt.Errorf("step 2: %w", own), []string{"started", "failed *fs.PathError"}},
		"its own context": {context.Canceled, []string{"started", "failed *errors.errorString"}},
	} {
		audience := listening(t, nil)
		result, err := client(t, audience.url).Deploy(context.Background(), aDeployment,
			func(ctx context.Context, span *versioner.Span) error {
				if len(span.ID()) != 36 || !span.Started().Recorded || ctx.Err() != nil {
					t.Errorf("%s: %q %+v %v", name, span.ID(), span.Started(), ctx.Err())
				}
				return body.returns
			})
		if err != body.returns || !result.Recorded || !reflect.DeepEqual(audience.heard(), body.told) {
			t.Errorf("%s: %v, %+v, told %q", name, err, result, audience.heard())
		}
	}
}

func TestABuildEndsAsItsBodyDoes(t *testing.T) {
	for name, body := range map[string]struct {
		command string
		told    []string
	}{
		"a success": {"true", []string{"build started", "build completed"}},
		"a failure": {"exit 3", []string{"build started", "build failed *exec.ExitError 3"}},
		"a signal":  {"kill -KILL $$", []string{"build started", "build failed *exec.ExitError"}},
	} {
		audience := listening(t, nil)
		result, err := client(t, audience.url).Build(context.Background(), versioner.Build{Product: "api", Version: "1.2.3"},
			func(context.Context, *versioner.Span) error { return exec.Command("sh", "-c", body.command).Run() })
		if (err == nil) != (body.command == "true") || !result.Recorded || !reflect.DeepEqual(audience.heard(), body.told) {
			t.Errorf("%s: %v, %+v, told %q", name, err, result, audience.heard())
		}
	}
	audience := listening(t, map[string]int{"started": http.StatusConflict})
	_, err := client(t, audience.url).Build(context.Background(), versioner.Build{Product: "api", Version: "1.2.3"},
		func(context.Context, *versioner.Span) error { panic("it ran") })
	var rejected *versioner.RejectedError
	if !errors.As(err, &rejected) || rejected.Kind != versioner.KindVersionConflict {
		t.Errorf("%T: %v", err, err)
	}
	if message := (&versioner.EndError{}).Error(); !strings.Contains(message, "the deployment succeeded") {
		t.Error(message)
	}
}

func TestWhatIsNotAllowedDoesNotRun(t *testing.T) {
	audience := listening(t, map[string]int{"started": http.StatusLocked})
	result, err := client(t, audience.url).Deploy(context.Background(), aDeployment,
		func(context.Context, *versioner.Span) error { panic("it ran") })
	var rejected *versioner.RejectedError
	if !errors.As(err, &rejected) || result.Code != versioner.Rejected || len(audience.heard()) != 1 {
		t.Errorf("%T: %v, %+v, told %q", err, err, result, audience.heard())
	}
}

func TestABodyThatAnEndedContextEndsIsAborted(t *testing.T) {
	audience := listening(t, nil)
	tracker := client(t, audience.url)
	for _, returns := range []error{context.Canceled, nil} {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := tracker.Deploy(ctx, aDeployment, func(inside context.Context, _ *versioner.Span) error {
			cancel()
			<-inside.Done()
			return returns
		})
		if err != returns {
			t.Errorf("%v", err)
		}
	}
	// What succeeds although it was interrupted has succeeded.
	expected := []string{"started", "aborted *errors.errorString", "started", "completed"}
	if !reflect.DeepEqual(audience.heard(), expected) {
		t.Errorf("%q", audience.heard())
	}
}

func TestAPanicIsFailedAndGoesOn(t *testing.T) {
	audience := listening(t, nil)
	tracker := client(t, audience.url)
	for _, fault := range []any{"the disk is full", nil} {
		func() {
			defer func() {
				// From Go 1.21 on, a panic with nil is a panic with an error.
				if found := recover(); fault != nil && found != fault {
					t.Errorf("%v", found)
				}
			}()
			_, err := tracker.Deploy(context.Background(), aDeployment, func(context.Context, *versioner.Span) error { panic(fault) })
			if err == nil || fault != nil {
				t.Errorf("%v goes for %v", fault, err)
			}
		}()
	}
	if told := audience.heard(); told[1] != "failed panic" || strings.HasPrefix(told[3], "completed") {
		t.Errorf("%q", told)
	}
}

// As t.FailNow does it.
func TestABodyThatEndsItsGoroutineIsAborted(t *testing.T) {
	audience := listening(t, nil)
	tracker := client(t, audience.url)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = tracker.Deploy(context.Background(), aDeployment, func(context.Context, *versioner.Span) error {
			runtime.Goexit()
			return nil
		})
		t.Error("it goes on")
	}()
	<-ended
	if !reflect.DeepEqual(audience.heard(), []string{"started", "aborted"}) {
		t.Errorf("%q", audience.heard())
	}
	check(t, tracker.Close())
}

func TestCloseEndsABodyAndWaitsUntilItsEndIsTold(t *testing.T) {
	audience := listening(t, nil)
	tracker := client(t, audience.url)
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := tracker.Deploy(context.Background(), aDeployment, func(ctx context.Context, _ *versioner.Span) error {
			close(running)
			<-ctx.Done()
			return ctx.Err()
		})
		ended <- err
	}()
	<-running
	check(t, tracker.Close())
	if told := audience.heard(); len(told) != 2 || !strings.HasPrefix(told[1], "aborted") {
		t.Errorf("%q", told)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, err := tracker.Deploy(context.Background(), aDeployment, func(context.Context, *versioner.Span) error { return nil })
	if !errors.Is(err, versioner.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestASuccessThatCannotBeToldIsNoFailure(t *testing.T) {
	audience := listening(t, map[string]int{"completed": http.StatusInternalServerError})
	_, err := client(t, audience.url, versioner.WithMaxRetries(0)).Deploy(context.Background(), aDeployment,
		func(context.Context, *versioner.Span) error { return nil })
	var untold *versioner.EndError
	var general *versioner.Error
	if !errors.As(err, &untold) || !errors.As(err, &general) || general.HTTPStatus != http.StatusInternalServerError ||
		!strings.Contains(err.Error(), "the deployment succeeded") {
		t.Errorf("%T: %v", err, err)
	}
	if !reflect.DeepEqual(audience.heard(), []string{"started", "completed"}) {
		t.Errorf("%q", audience.heard())
	}
	var rejected *versioner.RejectedError
	if refused := (&versioner.EndError{Result: versioner.Result{Code: versioner.Rejected}}); errors.As(refused, &rejected) {
		t.Error("a deployment that took place is no rejected one")
	}
}

func TestThatAFailureCannotBeToldHidesItNot(t *testing.T) {
	audience := listening(t, map[string]int{"failed": http.StatusUnauthorized})
	var logged []string
	logger := versioner.WithLogger(func(level versioner.Level, message string) {
		if level == versioner.LevelWarning {
			logged = append(logged, message)
		}
	})
	own := errors.New("the disk is full")
	result, err := client(t, audience.url, logger).Deploy(context.Background(), aDeployment,
		func(context.Context, *versioner.Span) error { return own })
	if err != own || result.HTTPStatus != http.StatusUnauthorized {
		t.Errorf("%v %+v", err, result)
	}
	if len(logged) != 1 || !strings.Contains(logged[0], "failed could not be told") {
		t.Errorf("%q", logged)
	}
}

func TestWhileTheBodyRunsItIsSaidThatItGoesOn(t *testing.T) {
	renewals := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/renew/") {
			renewals <- request.URL.Path
		}
		answer.Header().Set("Versioner-Features", "span, renew")
		fmt.Fprint(answer, `{"id": "dep-1"}`)
	}))
	defer server.Close()
	deployment := aDeployment
	deployment.Lease = time.Second
	_, err := client(t, server.URL).Deploy(context.Background(), deployment, func(context.Context, *versioner.Span) error {
		<-renewals // the lease is taken
		if path := <-renewals; path != "/deployments/dep-1/renew/" {
			t.Error(path)
		}
		return nil
	})
	check(t, err)
}

func TestWhatCannotBeDeployed(t *testing.T) {
	tracker := client(t, "http://127.0.0.1:1")
	leased, short, negative := aDeployment, aDeployment, aDeployment
	leased.Lease, short.Lease, negative.Wait = time.Minute, time.Microsecond, -time.Second
	nothing := func(context.Context, *versioner.Span) error { return nil }
	_, withoutBody := tracker.Deploy(context.Background(), aDeployment, nil)
	_, tooShort := tracker.Deploy(context.Background(), short, nothing)
	_, noWait := tracker.Deploy(context.Background(), negative, nothing)
	_, noSpan := tracker.TrackDeployment(context.Background(), leased)
	var none context.Context
	_, withoutContext := tracker.Deploy(none, aDeployment, nothing)
	for name, err := range map[string]error{
		"body": withoutBody, "lease": tooShort, "lease ": noSpan, "ctx": withoutContext, "wait": noWait,
	} {
		var argument *versioner.ArgumentError
		if !errors.As(err, &argument) || argument.Argument != strings.TrimSpace(name) {
			t.Errorf("%s: %T: %v", name, err, err)
		}
	}
	var unusable *versioner.Client
	if _, err := unusable.Deploy(context.Background(), aDeployment, nothing); !errors.Is(err, versioner.ErrClosed) {
		t.Errorf("%v", err)
	}
}
