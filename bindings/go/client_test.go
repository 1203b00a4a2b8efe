package versioner_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	versioner "github.com/versioner-io/versioner-go"
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
		"versioner_end": versioner.End{},
	} {
		body := regexp.MustCompile(`(?s)typedef struct ` + name + ` \{(.*?)\} ` + name).FindSubmatch(header)
		members := regexp.MustCompile(`(?m)^  [a-z0-9_ ]+[ *]([a-z_]+);`).FindAllSubmatch(body[1], -1)
		if len(members) < 5 {
			t.Fatalf("%s has only %d members", name, len(members))
		}
		for _, found := range members {
			inC := string(found[1])
			member := member(reflect.ValueOf(event), strings.TrimSuffix(inC, "_ms"))
			isOwn := inC == "struct_size" || inC == "cancel_flag" || inC == "reserved" || inC == "has_exit_code"
			if !member.IsValid() && !isOwn {
				t.Errorf("%s.%s has no member here", name, inC)
			}
		}
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

func TestAWarningGoesToTheLoggerThatIsGivenOrElseToTheStandardOne(t *testing.T) {
	var standard, own strings.Builder
	log.SetOutput(&standard)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	logger := versioner.WithLogger(func(level versioner.Level, message string) {
		if level == versioner.LevelWarning {
			own.WriteString(message + "\n")
		}
	})
	for _, with := range [][]versioner.Option{{}, {logger}} {
		with = append(with, versioner.WithMaxRetries(0), versioner.WithFailOnAPIError(false))
		_, err := client(t, "http://127.0.0.1:1", with...).TrackBuild(context.Background(), aBuild)
		check(t, err)
	}
	for _, told := range []string{standard.String(), own.String()} {
		if strings.Count(told, "the event was not recorded") != 1 || strings.Count(told, "\n") != 1 {
			t.Errorf("%q", told)
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
