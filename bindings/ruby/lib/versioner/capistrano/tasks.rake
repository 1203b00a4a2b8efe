# frozen_string_literal: true

# Asks before `cap ENVIRONMENT deploy`, and tells how it ended.
#
#   set :versioner_product, 'api'              # default: :application
#   set :versioner_environment, 'production'   # default: :stage
#   set :versioner_version, '1.2.3'            # default: VERSIONER_VERSION, or detected
#   set :versioner_fields, scm_branch: 'main'  # default: none
#   set :versioner_client, {}                  # options of Versioner::Client
namespace :versioner do
  track = lambda do |status|
    fields = {
      product: fetch(:versioner_product, fetch(:application)),
      environment: fetch(:versioner_environment, fetch(:stage)).to_s,
      version: fetch(:versioner_version), status: status, **fetch(:versioner_fields, {})
    }
    client = Versioner::Client.new(**fetch(:versioner_client, {}))
    result = client.track_deployment(**fields)
    set :versioner_started, status == 'started'
    puts result.text if result.recorded?
  ensure
    client&.close
  end

  # What was started ends once: that its end cannot be told makes no success a failure.
  finish = lambda do |status|
    next unless fetch(:versioner_started)

    set :versioner_started, false
    track.call(status)
  end

  desc 'Ask Versioner whether the deployment may happen'
  task :started do
    track.call('started')
    # A task that calls `exit` passes by deploy:failed.
    at_exit do
      finish.call('aborted')
    rescue Versioner::Error => e
      warn(e.text)
    end
  rescue Versioner::Error => e
    # Not by `raise`: nothing was deployed, so there is nothing to clean up or to report as failed.
    warn(e.text)
    exit(e.code)
  end

  desc 'Tell Versioner that the deployment is done'
  task :completed do
    finish.call('completed')
  end

  desc 'Tell Versioner that the deployment failed'
  task :failed do
    finish.call('failed')
  end
end

before 'deploy:starting', 'versioner:started'
after 'deploy:finished', 'versioner:completed'
after 'deploy:failed', 'versioner:failed'
