package versioner_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	versioner "github.com/versioner-io/versioner-go"
)

func begun(t *testing.T, tracker *versioner.Client) *versioner.Span {
	t.Helper()
	span, err := tracker.Begin(context.Background(), aDeployment)
	check(t, err)
	return span
}

func TestAnyGoroutineMayEndASpanOfAClientThatIsClosed(t *testing.T) {
	audience := listening(t, nil)
	logged := make(chan string, 100)
	tracker := client(t, audience.url, versioner.WithLogger(func(_ versioner.Level, message string) { logged <- message }))
	span := begun(t, tracker)
	check(t, tracker.Close())
	var group sync.WaitGroup
	for _, status := range []string{"completed", "failed", "aborted"} {
		status := status
		group.Add(1)
		go func() {
			defer group.Done()
			if result, err := span.End(versioner.End{Status: status}); err != nil || result.EventID != "dep-1" {
				t.Errorf("%v %+v", err, result)
			}
		}()
	}
	group.Wait()
	check(t, span.Close())
	if len(audience.heard()) != 2 || len(logged) == 0 {
		t.Errorf("told %q, logged %d", audience.heard(), len(logged))
	}
}

func TestASpanThatIsClosedWithoutAnEndIsAborted(t *testing.T) {
	audience := listening(t, nil)
	tracker := client(t, audience.url)
	span := begun(t, tracker)
	for range []int{1, 2} {
		check(t, span.Close())
	}
	_, ofEnd := span.End(versioner.End{Status: "completed"})
	for _, err := range []error{ofEnd, span.Renew()} {
		var argument *versioner.ArgumentError
		if !errors.As(err, &argument) || argument.Argument != "span" {
			t.Errorf("%T: %v", err, err)
		}
	}
	if span.Save() != "" || len(span.ID()) != 36 {
		t.Error("a closed span has an identifier, and nothing else")
	}
	var none *versioner.Span
	check(t, none.Close())
	if _, err := none.End(versioner.End{}); err == nil {
		t.Error("no span ends")
	}
	if !reflect.DeepEqual(audience.heard(), []string{"started", "aborted"}) {
		t.Errorf("%q", audience.heard())
	}
}

func TestAnEndThatIsNoneLeavesASpanOpen(t *testing.T) {
	audience := listening(t, nil)
	span := begun(t, client(t, audience.url))
	for argument, end := range map[string]versioner.End{
		"status":         {},
		"status ":        {Status: "done?"},
		"extra_metadata": {Status: "failed", ExtraMetadata: 5},
		"error_class":    {Status: "failed", ErrorClass: "a\x00b"},
		"timeout":        {Status: "failed", Timeout: -1},
	} {
		_, err := span.End(end)
		var wrong *versioner.ArgumentError
		if !errors.As(err, &wrong) || wrong.Argument != strings.TrimSpace(argument) {
			t.Errorf("%s: %T: %v", argument, err, err)
		}
	}
	check(t, span.Close())
	if !reflect.DeepEqual(audience.heard(), []string{"started", "aborted"}) {
		t.Errorf("%q", audience.heard())
	}
}

func TestASpanThatIsLostIsLoggedAndSendsNothing(t *testing.T) {
	audience := listening(t, nil)
	warnings := make(chan string, 100)
	tracker := client(t, audience.url, versioner.WithLogger(func(level versioner.Level, message string) {
		if level == versioner.LevelWarning {
			warnings <- message
		}
	}))
	for _, lose := range []func(*versioner.Span){
		func(span *versioner.Span) { span.Save() },
		func(span *versioner.Span) { _, _ = span.End(versioner.End{Status: "failed"}) },
		func(*versioner.Span) {},
	} {
		lose(begun(t, tracker))
	}
	warning := collected(warnings)
	runtime.GC()
	if !strings.Contains(warning, "a span was lost without an end") || len(warnings) != 0 {
		t.Errorf("%q and %d more", warning, len(warnings))
	}
	if !reflect.DeepEqual(audience.heard(), []string{"started", "started", "failed", "started"}) {
		t.Errorf("%q", audience.heard())
	}
}

func TestThatALostSpanIsAbortedIsKeptInTheOutbox(t *testing.T) {
	outbox := t.TempDir()
	warnings := make(chan string, 100)
	tracker := client(t, listening(t, nil).url, versioner.WithOutbox(outbox), versioner.WithLogger(func(level versioner.Level, message string) {
		if level == versioner.LevelWarning && strings.Contains(message, "kept in") {
			warnings <- message
		}
	}))
	func() { begun(t, tracker) }()
	if warning := collected(warnings); !strings.Contains(warning, outbox) {
		t.Error(warning)
	}
	kept, err := filepath.Glob(outbox + "/*.json")
	check(t, err)
	if len(kept) != 1 {
		t.Errorf("%q", kept)
	}
}

// collected collects what nobody refers to until something is told.
func collected(warnings <-chan string) string {
	for {
		runtime.GC()
		select {
		case warning := <-warnings:
			return warning
		default:
			runtime.Gosched()
		}
	}
}
