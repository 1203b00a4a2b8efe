# frozen_string_literal: true

require_relative 'helper'
require_relative 'service'

# A build, a refusal, an approval, the deployment: against the real server.
class TestStory < Minitest::Test
  include Helper

  EVENT = { **A_BUILD, environment: 'production' }.freeze

  # Hears what is waited for.
  Waiting = Struct.new(:closed) do
    def info(message)
      closed << message
    end

    def warn(_message); end

    def debug(_message); end
  end

  def test_a_client_s_story
    Service.run(required('VERSIONER_SERVER')) do |service|
      service.post('/deployment-rules/', Service::APPROVAL)
      tracker = Versioner::Client.new(api_key: service.key, api_url: service.url, environment: {})
      built = tracker.track_build(**A_BUILD)
      error = assert_raises(Versioner::RejectedError) { tracker.deployment(**EVENT) { flunk 'it ran' } }
      assert_equal [:approval_required, 'Approval'], [error.kind, error.rule]

      approve(service, built.version_id)
      assert_equal 5, tracker.deployment(**EVENT) { 5 }
      running = tracker.deployed_version(product: 'api', environment: 'production')
      assert_equal '1.2.3', running.version
    end
  end

  # A start waits for an approval: one that nobody has the patience for, and one that comes.
  def test_a_start_waits_for_its_gate
    Service.run(required('VERSIONER_SERVER')) do |service|
      service.post('/deployment-rules/', Service::APPROVAL)
      closed = Queue.new
      tracker = client(service.url, api_key: service.key, logger: Waiting.new(closed))
      built = tracker.track_build(**A_BUILD)
      thread = quiet { tracker.deployment(**EVENT, wait: 3600) { flunk 'it ran' } }
      assert_includes closed.pop, 'APPROVAL_REQUIRED (Approval)'
      thread.raise(Interrupt)
      assert_raises(Interrupt) { thread.join }

      thread = quiet { tracker.deployment(**EVENT, wait: 3600) { 5 } }
      closed.pop
      approve(service, built.version_id)
      assert_equal 5, thread.value
      assert_equal ['1.2.3 completed', '1.2.3 preflight_failed'], service.deployments
    end
  end

  # The service records the start, and the caller leaves before it hears so.
  def test_whoever_leaves_while_they_ask_leaves_nothing_in_progress
    Service.run(required('VERSIONER_SERVER')) do |service|
      thread = nil
      cut = lambda do |number, _|
        thread.raise(Interrupt) if number == 1
        number > 1
      end
      service.way(cut) do |url|
        tracker = client(url, api_key: service.key)
        asked = Queue.new
        thread = quiet { asked.pop && tracker.deployment(**EVENT) { flunk 'it ran' } }
        asked << true
        assert_raises(Interrupt) { thread.join }
        assert_equal ['1.2.3 aborted'], service.deployments
        tracker.deployment(**EVENT, version: '1.2.4') { nil }
        assert_equal ['1.2.4 completed', '1.2.3 aborted'], service.deployments
      end
    end
  end

  def test_a_server_that_dies_meanwhile_makes_no_success_a_failure
    Service.run(required('VERSIONER_SERVER')) do |service|
      service.way(->(*) { true }) do |url|
        tracker = client(url, api_key: service.key, retry_pause: 0)
        saved = nil
        error = assert_raises(Versioner::EndError) do
          tracker.deployment(**EVENT) do |span|
            saved = span.save
            service.kill
          end
        end
        assert_equal :network, error.kind
        service.start
        assert_equal ['1.2.3 started'], service.deployments
        tracker.resume(saved).end('completed')
        assert_equal ['1.2.3 completed'], service.deployments
      end
    end
  end

  def test_a_process_ends_its_deployment_unless_it_is_killed
    { 'TERM' => 'aborted', 'INT' => 'aborted', 'KILL' => 'started' }.each do |signal, status|
      Service.run(required('VERSIONER_SERVER')) do |service|
        saved = deploy_and_send(signal, service)
        assert_equal ["1.2.3 #{status}"], service.deployments, signal
        next unless status == 'started'

        client(service.url, api_key: service.key).resume(saved).end('aborted')
        assert_equal ['1.2.3 aborted'], service.deployments
      end
    end
  end

  # A child of the body leaves the block as well, and has nothing to end.
  def test_a_child_of_the_body_ends_nothing
    Service.run(required('VERSIONER_SERVER')) do |service|
      deploying('(child = fork) ? Process.wait(child) : exit(3)', service, &:read)
      assert_equal ['1.2.3 completed'], service.deployments
    end
  end

  private

  def approve(service, version_id)
    approval = { type: 'release', environment: 'production', approved_by: 'maria' }
    service.post("/versions/#{version_id}/approvals/", approval)
  end

  # Has a process deploy, sends it a signal meanwhile, and gives what it saved.
  def deploy_and_send(signal, service)
    deploying('sleep', service) do |output|
      saved = output.gets
      Process.kill(signal, output.pid)
      output.read
      saved
    end
  end

  # A process that deploys by what is given, and shows what it saved.
  def deploying(body, service, &block)
    script = <<~RUBY
      require 'versioner'
      $stdout.sync = true
      Versioner::Client.open do |client|
        client.deployment(product: 'api', version: '1.2.3', environment: 'production') do |span|
          puts span.save
          #{body}
        end
      end
    RUBY
    environ = { 'VERSIONER_API_URL' => service.url, 'VERSIONER_API_KEY' => service.key }
    IO.popen([environ, RbConfig.ruby, '-I', LIB, '-e', script], err: File::NULL, &block)
  end
end
