package versioner_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	versioner "github.com/versioner-io/versioner-go"
)

func Example() {
	// The service: it wants staging first.
	service := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.WriteHeader(http.StatusPreconditionRequired)
		fmt.Fprint(answer, `{"detail": {"code": "FLOW_VIOLATION",
			"message": "Version must be deployed to staging first",
			"details": {"rule_name": "Staging before production"}}}`)
	}))
	defer service.Close()

	client, err := versioner.New(versioner.WithAPIURL(service.URL), versioner.WithAPIKey("sk_acme_k1_secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	_, err = client.Deploy(context.Background(), versioner.Deployment{
		Product: "api", Environment: "production", Version: "1.2.3",
	}, func(context.Context, *versioner.Span) error {
		fmt.Println("deploying")
		return nil
	})
	var rejected *versioner.RejectedError
	switch {
	case errors.As(err, &rejected):
		fmt.Println("not allowed:", rejected.Rule)
	case err != nil:
		fmt.Println("not deployed:", err)
	}
	// Output: not allowed: Staging before production
}
