// Deploy asks before it deploys, and tells how it ended.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	versioner "github.com/versioner-io/versioner-go"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: deploy PRODUCT ENVIRONMENT VERSION")
		os.Exit(int(versioner.General))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := release(ctx, versioner.Deployment{Product: os.Args[1], Environment: os.Args[2], Version: os.Args[3]})
	var untold *versioner.EndError
	var rejected *versioner.RejectedError
	var other *versioner.Error
	switch {
	case err == nil:
		return
	case errors.As(err, &untold): // deployed; only the record of it is missing
		fmt.Fprintln(os.Stderr, err)
	case errors.As(err, &rejected):
		fmt.Fprintln(os.Stderr, rejected.Text) // which rule, and what to do
		os.Exit(int(rejected.Code))
	case errors.As(err, &other):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(int(other.Code))
	default: // our own
		fmt.Fprintln(os.Stderr, err)
		os.Exit(int(versioner.General))
	}
}

func release(ctx context.Context, event versioner.Deployment) error {
	client, err := versioner.New() // key and settings from VERSIONER_* variables
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Deploy(ctx, event, func(ctx context.Context, _ *versioner.Span) error {
		return deploy(ctx, event)
	})
	return err
}

// deploy is where your own work goes.
func deploy(ctx context.Context, event versioner.Deployment) error {
	fmt.Println("deploying", event.Product, event.Version, "to", event.Environment)
	return ctx.Err()
}
