// Package versioner tells Versioner what is built and what is deployed where, and stops when it
// says no.
//
// [Client.Deploy] asks whether a deployment may happen, makes it if policy allows it, and tells how it
// ended:
//
//	client, err := versioner.New()
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	_, err = client.Deploy(ctx, versioner.Deployment{
//		Product: "api", Environment: "production", Version: "1.2.3",
//	}, func(ctx context.Context, _ *versioner.Span) error {
//		return deploy(ctx)
//	})
//	return err // a *RejectedError, or nobody could be asked: nothing was deployed
//
// A [Span] begins in one place and ends in another, [Client.TrackBuild] and [Client.TrackDeployment]
// tell one event, [Client.CheckDeployment], [Client.State] and [Client.DeployedVersion] ask and record
// nothing.
//
// What an event leaves empty is taken from VERSIONER_* variables, then from the configuration
// file, then from the CI system.
//
// The package is a layer over the C library libversioner, which the module carries: it needs cgo,
// that is CGO_ENABLED=1 and a C compiler. On a Linux with musl in place of glibc, as Alpine has, build
// with the tag musl.
package versioner
