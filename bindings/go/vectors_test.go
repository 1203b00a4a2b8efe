package versioner_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

// required gives a variable that make test sets.
func required(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set; run the tests with `make test-go`", name)
	}
	return value
}

// run runs a server until the test ends, and gives its first lines up to one that ready accepts.
func run(t testing.TB, ready func(string) bool, name string, arguments ...string) (*exec.Cmd, []string) {
	t.Helper()
	command := exec.Command(name, arguments...)
	input, err := command.StdinPipe()
	check(t, err)
	output, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait()
	})
	var lines []string
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if ready(scanner.Text()) {
			return command, lines
		}
	}
	t.Fatalf("%s did not start: %q", name, lines)
	return nil, nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testCase is what the scripted server tells about one run.
type testCase struct {
	Run         int                        `json:"run"`
	Call        string                     `json:"call"`
	Event       string                     `json:"event"`
	Path        string                     `json:"path"`
	Query       [][2]string                `json:"query"`
	Fields      map[string]json.RawMessage `json:"fields"`
	Options     map[string]json.RawMessage `json:"options"`
	Environment map[string]string          `json:"environment"`
	// Variables that are not text, as Base64.
	EnvironmentBytes map[string][]byte `json:"environment_bytes"`
	Steps            []testStep        `json:"steps"`
}

func TestVectors(t *testing.T) {
	_, lines := run(t, func(line string) bool { return strings.HasPrefix(line, "http") },
		required(t, "VERSIONER_SCRIPTED_SERVER"), "--vectors", required(t, "VERSIONER_VECTORS"))
	server := lines[0]
	var names []string
	exchange(t, server+"/cases?surface=go", nil, &names)
	if len(names) < 150 {
		t.Fatalf("only %d cases", len(names))
	}
	for _, name := range names {
		var given testCase
		exchange(t, server+"/start", map[string]string{"case": name, "surface": "go"}, &given)
		var verdict struct {
			Passed      bool
			Differences []string
		}
		var result any = performSteps(t, given)
		if len(given.Steps) == 0 {
			result = perform(t, given)
		}
		exchange(t, server+"/finish", map[string]any{"run": given.Run, "result": result}, &verdict)
		if !verdict.Passed {
			t.Errorf("%s\n  %s", name, strings.Join(verdict.Differences, "\n  "))
		}
	}
}

func exchange(t *testing.T, url string, body, into any) {
	t.Helper()
	var answer *http.Response
	var err error
	if body == nil {
		answer, err = http.Get(url)
	} else {
		text, failed := json.Marshal(body)
		check(t, failed)
		answer, err = http.Post(url, "application/json", bytes.NewReader(text))
	}
	check(t, err)
	defer answer.Body.Close()
	check(t, json.NewDecoder(answer.Body).Decode(into))
}

func perform(t *testing.T, run testCase) versioner.Result {
	t.Helper()
	client, err := versioner.New(options(t, run)...)
	if err != nil {
		return resultOf(t, err)
	}
	defer client.Close()
	result, err := call(t, client, run)
	if err != nil {
		return resultOf(t, err)
	}
	return result
}

func call(t *testing.T, client *versioner.Client, run testCase) (versioner.Result, error) {
	t.Helper()
	ctx := context.Background()
	var build versioner.Build
	var deployment versioner.Deployment
	if run.Event == "build" {
		fill(t, &build, run.Fields)
	} else {
		fill(t, &deployment, run.Fields)
	}
	switch {
	case run.Call == "check":
		return client.CheckDeployment(ctx, deployment)
	case run.Call == "read":
		query := url.Values{}
		for _, pair := range run.Query {
			query.Add(pair[0], pair[1])
		}
		return client.Read(ctx, run.Path, query)
	case run.Call == "state":
		return client.State(ctx, deployment.Product)
	case run.Call == "deployed_version":
		return client.DeployedVersion(ctx, deployment.Product, deployment.Environment)
	case run.Event == "build":
		return client.TrackBuild(ctx, build)
	default:
		return client.TrackDeployment(ctx, deployment)
	}
}

func resultOf(t *testing.T, err error) versioner.Result {
	t.Helper()
	var failed *versioner.Error
	if !errors.As(err, &failed) {
		t.Fatalf("not an *Error: %v", err)
	}
	return failed.Result
}

func options(t *testing.T, run testCase) []versioner.Option {
	t.Helper()
	for name, value := range run.EnvironmentBytes {
		run.Environment[name] = string(value)
	}
	quiet := versioner.WithLogger(func(versioner.Level, string) {})
	with := []versioner.Option{versioner.WithEnvironment(run.Environment), quiet}
	var certificate, key string
	for name, raw := range run.Options {
		text := func() string { return decoded[string](t, raw) }
		seconds := func() time.Duration {
			return time.Duration(decoded[float64](t, raw) * float64(time.Second))
		}
		switch name {
		case "api_key":
			with = append(with, versioner.WithAPIKey(text()))
		case "api_url":
			with = append(with, versioner.WithAPIURL(text()))
		case "ui_url":
			with = append(with, versioner.WithUIURL(text()))
		case "config":
			with = append(with, versioner.WithConfig(text()))
		case "ca_file":
			with = append(with, versioner.WithCAFile(text()))
		case "outbox":
			with = append(with, versioner.WithOutbox(text()))
		case "client_cert":
			certificate = text()
		case "client_key":
			key = text()
		case "fail_on_api_error":
			with = append(with, versioner.WithFailOnAPIError(decoded[bool](t, raw)))
		case "max_retries":
			with = append(with, versioner.WithMaxRetries(decoded[int](t, raw)))
		case "retry_pause":
			with = append(with, versioner.WithRetryPause(seconds()))
		case "attempt_timeout":
			with = append(with, versioner.WithAttemptTimeout(seconds()))
		case "total_timeout":
			with = append(with, versioner.WithTotalTimeout(seconds()))
		default:
			t.Fatalf("no option for %s", name)
		}
	}
	return append(with, versioner.WithClientCert(certificate, key))
}

func decoded[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var value T
	check(t, json.Unmarshal(raw, &value))
	return value
}

// fill sets the members of an event by the names that every surface shares: scm_sha is SCMSHA.
func fill(t *testing.T, event any, fields map[string]json.RawMessage) {
	t.Helper()
	for name, raw := range fields {
		member := member(reflect.ValueOf(event).Elem(), name)
		if !member.IsValid() {
			t.Fatalf("no member for %s", name)
		}
		check(t, json.Unmarshal(raw, member.Addr().Interface()))
	}
}

func member(event reflect.Value, name string) reflect.Value {
	wanted := strings.ReplaceAll(name, "_", "")
	return event.FieldByNameFunc(func(member string) bool { return strings.EqualFold(member, wanted) })
}
