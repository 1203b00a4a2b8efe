# frozen_string_literal: true

# Asks before `cap STAGE deploy` and `cap STAGE deploy:rollback`, and tells how it ended.
#
#   set :versioner_product, 'api'                 # default: :application
#   set :versioner_environment, 'production'      # default: :stage
#   set :versioner_version, '1.2.3'               # default: VERSIONER_VERSION, or detected
#   set :versioner_rollback_version, '1.2.2'      # default: what the release says that is rolled back to
#   set :versioner_fields, scm_branch: 'main'     # default: none
#   set :versioner_client, {}                     # options of Versioner::Client
namespace :versioner do
  desc 'Ask Versioner whether the deployment may happen'
  task :started do
    next puts('versioner: a dry run asks and tells nothing') if fetch(:sshkit_backend) == SSHKit::Backend::Printer

    version = fetch(:versioner_rollback) ? fetch(:versioner_rollback_version) : fetch(:versioner_version)
    run = Versioner::CapistranoRun.new(
      fetch(:versioner_client, {}),
      product: fetch(:versioner_product, fetch(:application)),
      environment: fetch(:versioner_environment, fetch(:stage)).to_s,
      version: version, **fetch(:versioner_fields, {})
    )
    set :versioner_run, run
    # Whatever way it ends: a task that calls `exit` passes by deploy:failed, and so does a rollback.
    at_exit do
      run.leave($ERROR_INFO)
      code = run.missing
      exit(code) if code && $ERROR_INFO.nil?
    end
    # Last of all hooks, because a deployment whose hooks fail has not succeeded.
    after 'deploy:finished', 'versioner:completed'
    run.start
  rescue Versioner::Error => e
    # Not by `raise`: nothing was deployed, so there is nothing to clean up or to report as failed.
    warn(e.text)
    exit(e.code)
  end

  desc 'Tell Versioner that the deployment is done'
  task :completed do
    fetch(:versioner_run)&.complete
  end

  desc 'Tell Versioner that the deployment failed'
  task :failed do
    fetch(:versioner_run)&.leave($ERROR_INFO)
  end

  desc 'Write the version into the release'
  task :write do
    version = fetch(:versioner_run)&.version
    next unless version

    on release_roles(:all) do
      upload! StringIO.new("#{version}\n"), release_path.join(Versioner::CapistranoRun::FILE).to_s
    end
  end

  desc 'Read the version that is rolled back to'
  task :rollback do
    set :versioner_rollback, true
    next if fetch(:versioner_rollback_version) || fetch(:sshkit_backend) == SSHKit::Backend::Printer

    # In the release that deploy:rollback_release_path chooses a little later.
    on release_roles(:all).first(1) do
      release = ENV['ROLLBACK_RELEASE'] || capture(:ls, '-xt', releases_path).split[1]
      file = releases_path.join(release.to_s, Versioner::CapistranoRun::FILE)
      set :versioner_rollback_version, capture(:cat, file).strip if test("[ -f #{file} ]")
    end
    next if fetch(:versioner_rollback_version)

    warn('versioner: there is no release to roll back to, or it has no file ' \
         "#{Versioner::CapistranoRun::FILE}, which a deployment writes: set :versioner_rollback_version")
    exit(1)
  end
end

before 'deploy:starting', 'versioner:started'
before 'deploy:rollback', 'versioner:rollback'
after 'deploy:set_current_revision', 'versioner:write'
after 'deploy:failed', 'versioner:failed'
