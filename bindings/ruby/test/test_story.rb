# frozen_string_literal: true

require_relative 'helper'
require_relative 'service'
require 'open3'

# A build, a refusal, an approval, the deployment: against the real server.
class TestStory < Minitest::Test
  include Helper

  def test_a_client_s_story
    Service.run(required('VERSIONER_SERVER')) do |service|
      service.post('/deployment-rules/', Service::APPROVAL)
      tracker = Versioner::Client.new(api_key: service.key, api_url: service.url, environment: {})
      built = tracker.track_build(**A_BUILD)
      event = { **A_BUILD, environment: 'production' }
      error = assert_raises(Versioner::RejectedError) { tracker.track_deployment(**event, status: 'started') }
      assert_equal [:approval_required, 'Approval'], [error.kind, error.rule]

      approve(service, built.version_id)
      assert tracker.track_deployment(**event, status: 'started').recorded?
      assert_equal 'completed', tracker.track_deployment(**event).status
    end
  end

  def test_capistrano_asks_first_and_tells_how_it_ended
    Service.run(required('VERSIONER_SERVER')) do |service|
      service.post('/deployment-rules/', Service::APPROVAL)
      output, code = cap(service, 'production')
      assert_equal 5, code, output
      assert_includes output, 'Rule: Approval'
      refute_includes output, 'the work'

      build_and_approve(service)
      output, code = cap(service, 'production')
      assert_equal 0, code, output
      assert_includes output, 'the work'

      output, code = cap(service, 'staging', 'FAIL' => '1')
      refute_equal 0, code, output
      output, code = cap(service, 'staging', 'EXIT' => '1')
      assert_equal 3, code, output
      statuses = service.get('/deployments/?product=api')['items'].map do |each|
        [each['environment_name'], each['status']]
      end
      expected = [%w[production completed], %w[production preflight_failed], %w[staging aborted],
                  %w[staging failed]]
      assert_equal expected, statuses.sort
    end
  end

  def test_capistrano_calls_no_success_a_failure_because_it_cannot_be_told
    silent(answered: '"started"') do |url, arrivals|
      limits = { 'VERSIONER_TOTAL_TIMEOUT' => '1', 'VERSIONER_MAX_RETRIES' => '0' }
      output, code = cap(Struct.new(:url, :key).new(url, KEY), 'staging', limits)
      refute_equal 0, code, output
      assert_includes output, 'the work'
      assert_equal 1, arrivals.size, output
    end
  end

  private

  def approve(service, version_id)
    approval = { type: 'release', environment: 'production', approved_by: 'maria' }
    service.post("/versions/#{version_id}/approvals/", approval)
  end

  # The version that was refused.
  def build_and_approve(service)
    version = service.get('/versions/?product=api')['items'].first
    service.post('/build-events/', { product_name: 'api', version: version['version'], status: 'completed' })
    approve(service, version['id'])
  end

  # Runs the real Capistrano on a project without servers, with the gem that this test has loaded.
  def cap(service, stage, more = {})
    environ = {
      'VERSIONER_API_URL' => service.url, 'VERSIONER_API_KEY' => service.key, 'RUBYLIB' => LIB, **more
    }
    Dir.mktmpdir do |folder|
      FileUtils.cp_r(File.join(__dir__, 'capistrano/.'), folder)
      output, status = Open3.capture2e(environ, 'cap', stage, 'deploy', chdir: folder)
      [output, status.exitstatus]
    end
  end
end
