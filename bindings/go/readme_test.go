package versioner_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The fragment of the repository's README, made a program.
const fragment = `package main

import (
	"context"
	"fmt"
	"log"

	versioner "github.com/versioner-io/versioner-go"
)

func main() {
	if err := release(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func deploy(context.Context) error {
	fmt.Println("deploying")
	return nil
}

func release(ctx context.Context) error {
`

// The README files, pasted into a module of somebody's own, against every outcome.
func TestREADME(t *testing.T) {
	program := block(t, "README.md", "go")
	example, err := os.ReadFile("examples/deploy/main.go")
	check(t, err)
	if program != string(example) {
		t.Error("README.md shows another program than examples/deploy/main.go")
	}
	here, err := filepath.Abs(".")
	check(t, err)
	commands := strings.ReplaceAll(block(t, "README.md", "sh"), "/path/to/libversioner/bindings/go", here)
	programs := map[string]string{"own": program, "root": fragment + block(t, "../../README.md", "go") + "}\n"}
	for name, source := range programs {
		t.Run(name, func(t *testing.T) { tryProgram(t, commands, source) })
	}
}

func tryProgram(t *testing.T, commands, source string) {
	module := t.TempDir()
	check(t, os.WriteFile(filepath.Join(module, "main.go"), []byte(source), 0o600))
	build := exec.Command("bash", "-ec", "go mod init example.org/deploy\n"+commands+"go build -o deploy .\n")
	build.Dir = module
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, outcome := range []struct {
		status int
		answer string
		told   []string
		shown  string
	}{
		{http.StatusOK, `{"id": "1"}`, []string{"started", "completed"}, "deploying"},
		{http.StatusLocked, `{"detail": {"message": "frozen"}}`, []string{"started"}, "frozen"},
		{http.StatusUnauthorized, `{}`, []string{"started"}, "401"},
	} {
		var told []string
		server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			var event struct{ Status string }
			_ = json.NewDecoder(request.Body).Decode(&event)
			told = append(told, event.Status)
			answer.WriteHeader(outcome.status)
			_, _ = answer.Write([]byte(outcome.answer))
		}))
		run := exec.Command(filepath.Join(module, "deploy"), "api", "production", "1.2.3")
		run.Env = append(os.Environ(), "VERSIONER_API_KEY="+key, "VERSIONER_API_URL="+server.URL, "HOME="+module)
		output, err := run.CombinedOutput()
		server.Close()
		if (err == nil) != (outcome.status == http.StatusOK) || !reflect.DeepEqual(told, outcome.told) ||
			!strings.Contains(string(output), outcome.shown) ||
			(err != nil && strings.Contains(string(output), "deploying")) {
			t.Errorf("%d: %v, told %v\n%s", outcome.status, err, told, output)
		}
	}
}

// block is the first block of a language in a Markdown file.
func block(t *testing.T, path, language string) string {
	text, err := os.ReadFile(path)
	check(t, err)
	found := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$").FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s has no block of %s", path, language)
	}
	return string(found[1])
}

// Without cgo there is one message, which names it.
func TestWithoutCgo(t *testing.T) {
	build := exec.Command("go", "build", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || strings.Count(string(output), "\n") != 2 ||
		!strings.Contains(string(output), "versioner_needs_cgo__set_CGO_ENABLED_1_and_install_gcc") {
		t.Errorf("%v\n%s", err, output)
	}
}
