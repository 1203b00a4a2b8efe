// Deploy asks before it deploys, and tells how it ended.
//
//	go run ./examples/deploy api production 1.2.3
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	versioner "github.com/versioner-io/libversioner/bindings/go"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: deploy PRODUCT ENVIRONMENT VERSION")
		os.Exit(int(versioner.General))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		exit(err)
	}
}

func run(ctx context.Context, product, environment, version string) error {
	client, err := versioner.New()
	if err != nil {
		return err
	}
	defer client.Close()
	event := versioner.Deployment{Product: product, Environment: environment, Version: version, Status: "started"}
	if _, err = client.TrackDeployment(ctx, event); err != nil {
		return err
	}
	event.Status = "completed"
	failed := deploy(event)
	if failed != nil {
		event.Status = "failed"
	}
	if _, err = client.TrackDeployment(ctx, event); failed == nil {
		return err
	}
	return failed
}

func deploy(event versioner.Deployment) error {
	fmt.Println("deploying", event.Product, event.Version, "to", event.Environment)
	return nil
}

func exit(err error) {
	var failed *versioner.Error
	if errors.As(err, &failed) {
		fmt.Fprintln(os.Stderr, failed.Text)
		os.Exit(int(failed.Code))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(int(versioner.General))
}
