package versioner

// #include <versioner.h>
import "C"

import (
	"context"
	"encoding/json"
	"net/url"
	"sort"
)

// CheckDeployment asks whether a deployment may start, and records nothing. Its Status is taken for
// [StatusStarted], whatever it says, and no check is skipped. On a [*RejectedError] a rule forbids it;
// every other error means that there is no clear answer, in best-effort mode too. Data of the result
// has every rule's verdict. Needs versioner-server.
func (c *Client) CheckDeployment(ctx context.Context, deployment Deployment) (Result, error) {
	return c.withDeployment(ctx, deployment, func(event *C.versioner_deployment_event, result **C.versioner_result) {
		C.versioner_check_deployment(c.raw, event, result)
	})
}

// Read gives what the service knows, by a path below the API URL, such as "deployments/", and the
// parameters of its query: Data of the result is the JSON of its answer. Best effort softens nothing.
// Needs versioner-server and a key with the scope read.
func (c *Client) Read(ctx context.Context, path string, query url.Values) (Result, error) {
	var memory arena
	defer memory.free()
	question := memory.question()
	question.path = memory.text("path", path)
	question.query = memory.texts("query", entries(query))
	return c.ask(ctx, &memory, question, func(result **C.versioner_result) {
		C.versioner_read(c.raw, question, result)
	})
}

// State gives what runs where, of one product or, if that is "", of all: Data of the result is an
// object with products, each with its environments. See [Client.Read].
func (c *Client) State(ctx context.Context, product string) (Result, error) {
	var memory arena
	defer memory.free()
	question := memory.question()
	question.product = memory.text("product", product)
	return c.ask(ctx, &memory, question, func(result **C.versioner_result) {
		C.versioner_state(c.raw, question, result)
	})
}

// DeployedVersion gives the version whose deployment to an environment was the last that completed,
// as Version of the result. What is "" is taken from VERSIONER_* variables, the configuration file and
// the CI system. If nothing is deployed there or a name is not known, the error is an [*APIError] of
// kind [KindNotDeployed] that says which. See [Client.Read].
func (c *Client) DeployedVersion(ctx context.Context, product, environment string) (Result, error) {
	var memory arena
	defer memory.free()
	question := memory.question()
	question.product = memory.text("product", product)
	question.environment = memory.text("environment", environment)
	return c.ask(ctx, &memory, question, func(result **C.versioner_result) {
		C.versioner_deployed_version(c.raw, question, result)
	})
}

// Explanation is what a call would send, and where each value comes from.
type Explanation struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"` // without the API key
	Body    json.RawMessage   `json:"body"`
	// Values are those of the event, in the order of the body.
	Values []Explained `json:"values"`
	// Settings are those of the client that have a value, without the API key.
	Settings []Explained `json:"settings"`
	// Warnings are what the call would warn of before it sends.
	Warnings []Warning `json:"-"`
}

// Explained is a value and where it comes from.
type Explained struct {
	Field  string `json:"field"`
	Value  string `json:"value"`
	Source string `json:"source"` // such as "argument", "VERSIONER_VERSION" or "github: GITHUB_SHA"
}

// ExplainBuild tells what [Client.TrackBuild] would send, and sends nothing.
func (c *Client) ExplainBuild(ctx context.Context, build Build) (Explanation, error) {
	return explanation(c.withBuild(ctx, build, func(event *C.versioner_build_event, result **C.versioner_result) {
		C.versioner_explain_build(c.raw, event, result)
	}))
}

// ExplainDeployment tells what [Client.TrackDeployment] would send, and sends nothing. Policy is not
// asked.
func (c *Client) ExplainDeployment(ctx context.Context, deployment Deployment) (Explanation, error) {
	return explanation(c.withDeployment(ctx, deployment, func(event *C.versioner_deployment_event, result **C.versioner_result) {
		C.versioner_explain_deployment(c.raw, event, result)
	}))
}

func explanation(result Result, err error) (Explanation, error) {
	explanation := Explanation{Warnings: result.Warnings}
	if err == nil {
		err = json.Unmarshal(result.Data, &explanation)
	}
	return explanation, err
}

// entries are NAME=VALUE texts, by name.
func entries(query url.Values) []string {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	sort.Strings(names)
	var entries []string
	for _, name := range names {
		for _, value := range query[name] {
			entries = append(entries, name+"="+value)
		}
	}
	return entries
}

func (a *arena) question() *C.versioner_question {
	question := (*C.versioner_question)(a.allocate(C.sizeof_versioner_question))
	C.versioner_question_init(question)
	return question
}

func (c *Client) ask(ctx context.Context, memory *arena, question *C.versioner_question, call func(**C.versioner_result)) (Result, error) {
	flag := memory.flag()
	question.cancel_flag = flag
	return c.track(ctx, memory, flag, call)
}
