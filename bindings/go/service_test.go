package versioner_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// service is a versioner-server with data of its own.
type service struct {
	t        *testing.T
	data     string
	url, key string
	host     atomic.Value // of the url, for the goroutines of wayTo
	command  *exec.Cmd
}

func serve(t *testing.T) *service {
	t.Helper()
	service := &service{t: t, data: t.TempDir()}
	service.start()
	return service
}

// start starts it, once more if it was killed, then at another address.
func (s *service) start() {
	s.t.Helper()
	command, lines := run(s.t, func(line string) bool { return strings.HasPrefix(line, "Listening on ") },
		required(s.t, "VERSIONER_SERVER"), "--data", s.data, "--listen", "127.0.0.1:0")
	s.command = command
	for _, line := range lines {
		if strings.Contains(line, " sk_") {
			s.key = line[strings.LastIndex(line, " ")+1:]
		}
	}
	s.url = strings.TrimPrefix(lines[len(lines)-1], "Listening on ")
	s.host.Store(strings.TrimPrefix(s.url, "http://"))
}

func (s *service) kill() {
	check(s.t, s.command.Process.Kill())
	_ = s.command.Wait()
}

func (s *service) call(method, path, body string) []byte {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	check(s.t, err)
	request.Header.Set("Authorization", "Bearer "+s.key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	check(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(s.t, err)
	return text
}

// wayTo is an address from which requests go to a service wherever it is. answered is called with the
// number of each answer before it comes back; its error cuts the connection.
func wayTo(t *testing.T, service *service, answered func(number int, request *http.Request) error) string {
	var count atomic.Int32
	way := httptest.NewServer(&httputil.ReverseProxy{
		Director: func(request *http.Request) {
			request.URL.Scheme, request.URL.Host = "http", service.host.Load().(string)
		},
		ModifyResponse: func(answer *http.Response) error {
			return answered(int(count.Add(1)), answer.Request)
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(way.Close)
	return way.URL
}
