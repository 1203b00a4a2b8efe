package versioner_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

// testStep is one call of a case that has several.
type testStep struct {
	Do             string                     `json:"do"`
	Fields         map[string]json.RawMessage `json:"fields"`
	Part           string                     `json:"part"`
	Lease          float64                    `json:"lease"`
	Wait           float64                    `json:"wait"`
	WaitFor        string                     `json:"wait_for"`
	WaitSuperseded string                     `json:"wait_superseded"`
	Status         string                     `json:"status"`
	ErrorClass     string                     `json:"error_class"`
	ExitCode       *int                       `json:"exit_code"`
	Signal         string                     `json:"signal"`
	ExtraMetadata  string                     `json:"extra_metadata"`
}

// performSteps gives a result for each step, nil for one that has none.
func performSteps(t *testing.T, run testCase) map[string][]any {
	t.Helper()
	if len(run.Steps) == 0 {
		return nil
	}
	client, err := versioner.New(options(t, run)...)
	check(t, err)
	defer client.Close()
	performer := performer{client: client, isBuild: run.Event == "build"}
	results := make([]any, len(run.Steps))
	for index, step := range run.Steps {
		results[index] = performer.perform(t, step)
	}
	performer.leave()
	return map[string][]any{"steps": results}
}

type performer struct {
	client  *versioner.Client
	isBuild bool
	span    *versioner.Span
	saved   string
}

func (p *performer) perform(t *testing.T, step testStep) any {
	t.Helper()
	switch step.Do {
	case "begin":
		if p.isBuild {
			return p.keep(t)(p.client.BeginBuild(context.Background(), step.build(t)))
		}
		return p.keep(t)(p.client.Begin(context.Background(), step.deployment(t)))
	case "track":
		return shown(t)(p.client.TrackDeployment(context.Background(), step.deployment(t)))
	case "prepare":
		if p.isBuild {
			return p.keep(t)(p.client.PrepareBuild(step.build(t)))
		}
		return p.keep(t)(p.client.Prepare(step.deployment(t)))
	case "resume":
		return p.keep(t)(p.client.Resume(context.Background(), p.saved))
	case "save":
		p.saved = p.span.Save()
		return nil
	case "free":
		check(t, p.span.Close())
		p.span = nil
		return nil
	case "end":
		end := versioner.End{
			Status: step.Status, ErrorClass: step.ErrorClass, ExitCode: step.ExitCode, Signal: step.Signal,
		}
		if step.ExtraMetadata != "" {
			end.ExtraMetadata = step.ExtraMetadata
		}
		return shown(t)(p.span.End(end))
	default:
		t.Fatalf("no step %s", step.Do)
		return nil
	}
}

// shown is the result of a call, whatever it came to.
func shown(t *testing.T) func(versioner.Result, error) any {
	return func(result versioner.Result, err error) any {
		if err != nil {
			return resultOf(t, err)
		}
		return result
	}
}

// keep goes on with a span, and gives how it started, nil if it asked for nothing.
func (p *performer) keep(t *testing.T) func(*versioner.Span, error) any {
	return func(span *versioner.Span, err error) any {
		if err != nil {
			return resultOf(t, err)
		}
		p.leave()
		p.span = span
		if span.Started().Attempts == 0 {
			return nil
		}
		return span.Started()
	}
}

// leave leaves the span behind, as if its process were gone.
func (p *performer) leave() {
	if p.span != nil {
		p.span.Save()
		_ = p.span.Close()
	}
}

func (s *testStep) build(t *testing.T) versioner.Build {
	t.Helper()
	build := versioner.Build{}
	fill(t, &build, s.Fields)
	return build
}

func (s *testStep) deployment(t *testing.T) versioner.Deployment {
	t.Helper()
	deployment := versioner.Deployment{
		Part: s.Part, Lease: time.Duration(s.Lease * float64(time.Second)),
		Wait: time.Duration(s.Wait * float64(time.Second)), WaitFor: s.WaitFor, WaitSuperseded: s.WaitSuperseded,
	}
	fill(t, &deployment, s.Fields)
	return deployment
}
