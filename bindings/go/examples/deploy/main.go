// Deploy asks before it deploys, and tells how it ended.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	versioner "github.com/versioner-io/libversioner/bindings/go"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: deploy PRODUCT ENVIRONMENT VERSION")
		os.Exit(int(versioner.General))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := release(ctx, versioner.Deployment{Product: os.Args[1], Environment: os.Args[2], Version: os.Args[3]})
	var rejected *versioner.RejectedError
	var other *versioner.Error
	switch {
	case err == nil:
		return
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
	event.Status = versioner.StatusStarted
	if _, err := client.TrackDeployment(ctx, event); err != nil {
		return err // rejected, or nobody could be asked: do not deploy
	}
	failed := deploy(ctx, event)
	switch {
	case failed == nil:
		event.Status = versioner.StatusCompleted
	case ctx.Err() != nil:
		event.Status = versioner.StatusAborted
	default:
		event.Status = versioner.StatusFailed
	}
	_, err = client.TrackDeployment(context.Background(), event) // told after Ctrl-C and SIGTERM as well
	if failed != nil {
		return failed
	}
	return err
}

// deploy is where your own work goes.
func deploy(ctx context.Context, event versioner.Deployment) error {
	fmt.Println("deploying", event.Product, event.Version, "to", event.Environment)
	return ctx.Err()
}
