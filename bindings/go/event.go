package versioner

// Build is something that was built. Empty means unset.
type Build struct {
	// Product is the name of the product. Required, or detected.
	Product string
	// Version that was built. Required, or detected.
	Version string
	// Status is pending, started, completed, failed or aborted, or an alias such as success;
	// completed where empty.
	Status string
	// SourceSystem is the CI system that sends the event, such as github.
	SourceSystem string
	// BuildNumber is the number of the build in its CI system.
	BuildNumber string
	// SCMSHA is the commit that was built.
	SCMSHA string
	// SCMBranch is the branch that was built.
	SCMBranch string
	// SCMRepository is the repository, such as owner/name.
	SCMRepository string
	// BuildURL is a link to the build.
	BuildURL string
	// InvokeID identifies the run in its CI system.
	InvokeID string
	// BuiltBy is the login of whoever built it.
	BuiltBy string
	// BuiltByEmail is the mail address of whoever built it.
	BuiltByEmail string
	// BuiltByName is the name of whoever built it.
	BuiltByName string
	// StartedAt is when the build started, RFC 3339 with a zone.
	StartedAt string
	// CompletedAt is when the build ended, RFC 3339 with a zone.
	CompletedAt string
	// ExtraMetadata is a JSON object of your own, as text, at most 102,400 bytes.
	ExtraMetadata string
}

// Deployment is something that is deployed. With Status "started" it is checked against policy
// before it happens. Empty means unset.
type Deployment struct {
	// Product is the name of the product. Required, or detected.
	Product string
	// Version that is deployed. Required, or detected.
	Version string
	// Environment it is deployed to. Required, or detected.
	Environment string
	// Status is pending, started, completed, failed or aborted, or an alias such as success;
	// completed where empty.
	Status string
	// SourceSystem is the CI system that sends the event, such as github.
	SourceSystem string
	// BuildNumber is the number of the build in its CI system.
	BuildNumber string
	// SCMSHA is the commit that is deployed.
	SCMSHA string
	// SCMBranch is the branch that is deployed.
	SCMBranch string
	// SCMRepository is the repository, such as owner/name.
	SCMRepository string
	// BuildURL is a link to the build that made the version.
	BuildURL string
	// DeployURL is a link to the run that deploys.
	DeployURL string
	// InvokeID identifies the run in its CI system.
	InvokeID string
	// DeployedBy is the login of whoever deploys.
	DeployedBy string
	// DeployedByEmail is the mail address of whoever deploys.
	DeployedByEmail string
	// DeployedByName is the name of whoever deploys.
	DeployedByName string
	// CompletedAt is when the deployment ended, RFC 3339 with a zone.
	CompletedAt string
	// ExtraMetadata is a JSON object of your own, as text, at most 102,400 bytes.
	ExtraMetadata string
	// SkipPreflightChecks asks the service to skip its preflight checks; nil leaves it to the
	// other sources of settings. Deprecated by the service: set the rule to report-only there.
	SkipPreflightChecks *bool
}
