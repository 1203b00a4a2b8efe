package versioner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

// A build, a deployment that is refused, an approval, the deployment: against the real server.
func TestStory(t *testing.T) {
	service := serve(t)
	service.call("POST", "/deployment-rules/", approvalRule)

	tracker := client(t, service.url, versioner.WithAPIKey(service.key))
	ctx := context.Background()
	built, err := tracker.TrackBuild(ctx, aBuild)
	check(t, err)

	ran := 0
	deploy := func(context.Context, *versioner.Span) error {
		ran++
		return nil
	}
	_, err = tracker.Deploy(ctx, aDeployment, deploy)
	var rejected *versioner.RejectedError
	if !errors.As(err, &rejected) || rejected.Kind != "approval_required" || rejected.Rule != "Approval" || ran != 0 {
		t.Fatalf("%T: %v", err, err)
	}

	service.call("POST", fmt.Sprintf("/versions/%s/approvals/", built.VersionID),
		`{"type": "release", "environment": "production", "approved_by": "maria"}`)
	done, err := tracker.Deploy(ctx, aDeployment, deploy)
	check(t, err)
	if !done.Recorded || done.Status != "completed" || ran != 1 {
		t.Errorf("%+v, ran %d times", done, ran)
	}
	running, err := tracker.DeployedVersion(ctx, "api", "production")
	check(t, err)
	if running.Version != "1.2.3" {
		t.Errorf("%+v", running)
	}
}

const approvalRule = `{"name": "Approval", "type": "release_approval", "environments": ["production"],
	"create": true, "config": {"required_approvals": 1, "keys": true, "exclude_deployer": false}}`

// A start waits for an approval: one that comes, and one that nobody has the patience for.
func TestAStartWaitsForItsGate(t *testing.T) {
	service := serve(t)
	service.call("POST", "/deployment-rules/", approvalRule)
	closed := make(chan string, 100)
	tracker := client(t, service.url, versioner.WithAPIKey(service.key), versioner.WithLogger(func(level versioner.Level, message string) {
		if level == versioner.LevelInfo && strings.Contains(message, "waiting") {
			closed <- message
		}
	}))
	built, err := tracker.TrackBuild(context.Background(), aBuild)
	check(t, err)
	waiting := aDeployment
	waiting.Wait = time.Hour

	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if message := <-closed; !strings.Contains(message, "APPROVAL_REQUIRED (Approval)") {
			t.Error(message)
		}
		cancel()
	}()
	nothing := func(context.Context, *versioner.Span) error { return nil }
	_, err = tracker.Deploy(ctx, waiting, nothing)
	var interrupted *versioner.InterruptedError
	if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%T: %v", err, err)
	}

	go func() {
		<-closed
		service.call("POST", fmt.Sprintf("/versions/%s/approvals/", built.VersionID),
			`{"type": "release", "environment": "production", "approved_by": "maria"}`)
	}()
	_, err = tracker.Deploy(context.Background(), waiting, nothing)
	check(t, err)
	service.expect("1.2.3 completed", "1.2.3 preflight_failed")
}

// deployer is what the test binary is when it is started as a program of its own.
const deployer = "VERSIONER_TEST_DEPLOYER"

func TestMain(m *testing.M) {
	if os.Getenv(deployer) != "" {
		deployUntilASignal()
	}
	os.Exit(m.Run())
}

// deployUntilASignal shows what its deployment is saved as.
func deployUntilASignal() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	tracker, err := versioner.New()
	if err == nil {
		_, err = tracker.Deploy(ctx, aDeployment, func(ctx context.Context, span *versioner.Span) error {
			fmt.Println(span.Save())
			<-ctx.Done()
			return ctx.Err()
		})
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestAProcessThatIsToldToStopAborts(t *testing.T) {
	service := serve(t)
	_ = service.deployAndSend(syscall.SIGTERM)
	service.expect("1.2.3 aborted")
}

// Nobody can tell the end of a process that is killed but whoever has what it saved.
func TestAProcessThatIsKilledIsEndedByTheNext(t *testing.T) {
	service := serve(t)
	saved := service.deployAndSend(syscall.SIGKILL)
	service.expect("1.2.3 started")
	tracker := client(t, service.url, versioner.WithAPIKey(service.key))
	span, err := tracker.Resume(context.Background(), saved)
	check(t, err)
	defer span.Close()
	_, err = span.End(versioner.End{Status: versioner.StatusAborted})
	check(t, err)
	service.expect("1.2.3 aborted")
}

// The service records the start, and the caller leaves before it hears so.
func TestWhoeverLeavesWhileTheyAskLeavesNothingInProgress(t *testing.T) {
	service := serve(t)
	ctx, cancel := context.WithCancel(context.Background())
	way := wayTo(t, service, func(number int, request *http.Request) error {
		if number == 1 {
			cancel()
			<-request.Context().Done() // the caller has hung up
		}
		return nil
	})
	tracker := client(t, way, versioner.WithAPIKey(service.key))
	nothing := func(context.Context, *versioner.Span) error { return nil }
	_, err := tracker.Deploy(ctx, aDeployment, nothing)
	var interrupted *versioner.InterruptedError
	if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%T: %v", err, err)
	}
	service.expect("1.2.3 aborted")
	next := aDeployment
	next.Version = "1.2.4"
	_, err = tracker.Deploy(context.Background(), next, nothing)
	check(t, err)
	service.expect("1.2.4 completed", "1.2.3 aborted")
}

func TestAStartWhoseAnswerIsLostIsOneDeployment(t *testing.T) {
	service := serve(t)
	way := wayTo(t, service, func(number int, _ *http.Request) error {
		if number == 1 {
			return errors.New("cut")
		}
		return nil
	})
	tracker := client(t, way, versioner.WithAPIKey(service.key), versioner.WithRetryPause(0))
	_, err := tracker.Deploy(context.Background(), aDeployment, func(context.Context, *versioner.Span) error { return nil })
	check(t, err)
	service.expect("1.2.3 completed")
}

func TestAServerThatDiesMeanwhileMakesNoSuccessAFailure(t *testing.T) {
	service := serve(t)
	way := wayTo(t, service, func(int, *http.Request) error { return nil })
	tracker := client(t, way, versioner.WithAPIKey(service.key), versioner.WithRetryPause(0))
	var saved string
	_, err := tracker.Deploy(context.Background(), aDeployment, func(_ context.Context, span *versioner.Span) error {
		saved = span.Save()
		service.kill()
		return nil
	})
	var untold *versioner.EndError
	if !errors.As(err, &untold) || untold.Kind != versioner.KindNetwork {
		t.Fatalf("%T: %v", err, err)
	}
	service.start()
	service.expect("1.2.3 started")
	span, err := tracker.Resume(context.Background(), saved)
	check(t, err)
	defer span.Close()
	_, err = span.End(versioner.End{Status: versioner.StatusCompleted})
	check(t, err)
	service.expect("1.2.3 completed")
}

// deployAndSend has a process deploy, sends it a signal meanwhile, and gives what it saved.
func (s *service) deployAndSend(stop os.Signal) string {
	s.t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), deployer+"=yes", "VERSIONER_API_URL="+s.url, "VERSIONER_API_KEY="+s.key)
	output, err := command.StdoutPipe()
	check(s.t, err)
	check(s.t, command.Start())
	lines := bufio.NewScanner(output)
	lines.Scan()
	saved := lines.Text()
	check(s.t, command.Process.Signal(stop))
	for lines.Scan() {
		if lines.Text() != context.Canceled.Error() {
			s.t.Error(lines.Text())
		}
	}
	_ = command.Wait()
	return saved
}

// expect compares the version and status of every deployment, the newest first.
func (s *service) expect(wanted ...string) {
	s.t.Helper()
	var found struct {
		Items []struct{ Version, Status string }
	}
	check(s.t, json.Unmarshal(s.call("GET", "/deployments/?product=api", ""), &found))
	var statuses []string
	for _, item := range found.Items {
		statuses = append(statuses, strings.Join([]string{item.Version, item.Status}, " "))
	}
	if !reflect.DeepEqual(statuses, wanted) {
		s.t.Errorf("found %q, not %q", statuses, wanted)
	}
}
