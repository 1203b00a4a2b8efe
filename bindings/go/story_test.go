package versioner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	versioner "github.com/versioner-io/libversioner/bindings/go"
)

// A build, a deployment that is refused, an approval, the deployment: against the real server.
func TestStory(t *testing.T) {
	lines := start(t, func(line string) bool { return strings.HasPrefix(line, "Listening on ") },
		required(t, "VERSIONER_SERVER"), "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	url := strings.TrimPrefix(lines[1], "Listening on ")
	apiKey := lines[0][strings.LastIndex(lines[0], " ")+1:]
	call := func(method, path, body string) map[string]any {
		request, err := http.NewRequest(method, url+path, strings.NewReader(body))
		check(t, err)
		request.Header.Set("Authorization", "Bearer "+apiKey)
		request.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(request)
		check(t, err)
		defer answer.Body.Close()
		var decoded map[string]any
		check(t, json.NewDecoder(answer.Body).Decode(&decoded))
		return decoded
	}
	call("POST", "/deployment-rules/", `{"name": "Approval", "type": "release_approval",
		"environments": ["production"], "create": true,
		"config": {"required_approvals": 1, "keys": true, "exclude_deployer": false}}`)

	tracker := client(t, url, versioner.WithAPIKey(apiKey))
	ctx := context.Background()
	built, err := tracker.TrackBuild(ctx, aBuild)
	check(t, err)

	deployment := versioner.Deployment{Product: "api", Environment: "production", Version: "1.2.3", Status: "started"}
	_, err = tracker.TrackDeployment(ctx, deployment)
	var rejected *versioner.RejectedError
	if !errors.As(err, &rejected) || rejected.Kind != "approval_required" || rejected.Rule != "Approval" {
		t.Fatalf("%T: %v", err, err)
	}

	call("POST", fmt.Sprintf("/versions/%s/approvals/", built.VersionID),
		`{"type": "release", "environment": "production", "approved_by": "maria"}`)
	_, err = tracker.TrackDeployment(ctx, deployment)
	check(t, err)
	deployment.Status = "completed"
	done, err := tracker.TrackDeployment(ctx, deployment)
	check(t, err)
	if !done.Recorded || done.Status != "completed" {
		t.Errorf("%+v", done)
	}
}
