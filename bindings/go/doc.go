// Package versioner tells Versioner what is built and what is deployed where, and stops when it
// says no.
//
// A deployment with status "started" is checked against policy before it happens. If policy
// forbids it, [Client.TrackDeployment] returns a [*RejectedError], and the deployment must not go
// on:
//
//	client, err := versioner.New()
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	_, err = client.TrackDeployment(ctx, versioner.Deployment{
//		Product: "api", Environment: "production", Version: "1.2.3", Status: versioner.StatusStarted,
//	})
//	if err != nil {
//		return err // rejected, or nobody could be asked: do not deploy
//	}
//
// What an event leaves empty is taken from VERSIONER_* variables, then from the configuration
// file, then from the CI system.
//
// The package is a layer over the C library libversioner, found with pkg-config: it needs cgo, that
// is CGO_ENABLED=1, gcc and pkg-config. Build with the tag versioner_static to link the library
// statically.
package versioner
