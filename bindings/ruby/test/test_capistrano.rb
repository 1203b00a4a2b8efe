# frozen_string_literal: true

require_relative 'helper'
require_relative 'service'
require 'fileutils'
require 'open3'

# The real Capistrano against the real server, and every way out of it.
class TestCapistrano < Minitest::Test
  include Helper

  # What the project in test/capistrano is told to do, and how its deployment ends then.
  ENDS = {
    { 'EXIT' => '3' } => [3, 'failed'],
    { 'EXIT' => '0' } => [0, 'aborted'],
    { 'FAIL' => 'work' } => [1, 'failed'],
    { 'FAIL' => 'hook' } => [1, 'failed'],
    { 'WAIT' => 'INT' } => [1, 'aborted'],
    { 'WAIT' => 'TERM' } => [1, 'aborted'],
    { 'FORK' => '1' } => [0, 'completed']
  }.freeze

  def test_it_asks_first
    Service.run(required('VERSIONER_SERVER')) do |service|
      service.post('/deployment-rules/', Service::APPROVAL)
      output, code = cap(service, %w[production deploy])
      assert_equal 5, code, output
      assert_includes output, 'Rule: Approval'
      refute_includes output, 'the work'
      assert_equal ['1.2.3 preflight_failed'], service.deployments
    end
  end

  def test_it_tells_how_it_ended_whatever_way_it_ends
    Service.run(required('VERSIONER_SERVER')) do |service|
      ENDS.each_with_index do |(environ, (wanted, status)), index|
        output, code = cap(service, %w[staging deploy], { 'VERSION' => "1.#{index}", **environ })
        assert_equal [wanted, "1.#{index} #{status}"], [code, service.deployments.first], "#{environ}: #{output}"
        assert_includes output, 'the work'
      end
    end
  end

  def test_whoever_leaves_while_it_asks_leaves_nothing_in_progress
    hearing('started' => ->(asked) { (asked << true) && Queue.new.pop }) do |service, told, asked|
      output, code = cap(service, %w[staging deploy]) do |process|
        asked.pop
        Process.kill('INT', process.pid)
      end
      refute_equal 0, code, output
      assert_equal %w[started aborted], told
      refute_includes output, 'the work'
    end
  end

  def test_a_start_that_nobody_answers_is_not_left_in_progress
    hearing('started' => ->(_) { Queue.new.pop }) do |service, told, _|
      limits = { 'VERSIONER_ATTEMPT_TIMEOUT' => '0.2', 'VERSIONER_MAX_RETRIES' => '0' }
      output, code = cap(service, %w[staging deploy], limits)
      assert_equal [1, %w[started aborted]], [code, told], output
    end
  end

  def test_a_success_that_cannot_be_told_is_no_failure
    { {} => 0, { 'VERSIONER_FAIL_ON_API_ERROR' => 'true' } => 4 }.each do |environ, wanted|
      hearing('completed' => ->(_) { 500 }) do |service, told, _|
        output, code = cap(service, %w[staging deploy], { 'VERSIONER_MAX_RETRIES' => '0', **environ })
        assert_equal [wanted, %w[started completed]], [code, told], output
        assert_includes output, 'the deployment is completed, but this could not be told'
      end
    end
  end

  def test_a_rollback_is_a_deployment_of_the_version_that_is_rolled_back_to
    Service.run(required('VERSIONER_SERVER')) do |service|
      Dir.mktmpdir do |target|
        %w[3.0 3.1].each_with_index do |version, second|
          local(service, target, %w[local deploy], 'VERSION' => version, 'SECOND' => second.to_s)
        end
        local(service, target, %w[local deploy:rollback], 'VERSION' => '3.1')
        assert_equal ['3.0 completed', '3.1 completed', '3.0 completed'], service.deployments
      end
      output, code = cap(service, %w[staging deploy:rollback])
      assert_equal 1, code
      assert_includes output, 'versioner_rollback_version'
      output, code = cap(service, %w[staging deploy:rollback], 'ROLLBACK_TO' => '2.9')
      assert_equal [0, '2.9 completed'], [code, service.deployments.first], output
    end
  end

  def test_a_dry_run_tells_nothing
    hearing do |service, told, _|
      output, code = cap(service, %w[staging deploy --dry-run])
      assert_equal [0, []], [code, told], output
    end
  end

  private

  Address = Struct.new(:url, :key)
  private_constant :Address

  # A server that records every status, and answers some in ways of their own.
  def hearing(ways = {})
    told = []
    asked = Queue.new
    heard = lambda do |body|
      told << JSON.parse(body)['status']
      ways[told.last]&.call(asked)
    end
    answering(200, '{"id": "dep-1"}', heard) { |url| yield Address.new(url, KEY), told, asked }
  end

  # A deployment to this machine, where releases are kept between two runs.
  def local(service, target, arguments, more)
    output, code = cap(service, arguments, { 'TARGET' => target, **more })
    assert_equal 0, code, output
  end

  # Runs the real Capistrano on a copy of the project, with the gem that this test has loaded.
  def cap(service, arguments, more = {}, &meanwhile)
    environ = {
      'VERSIONER_API_URL' => service.url, 'VERSIONER_API_KEY' => service.key, 'RUBYLIB' => LIB, **more
    }
    Dir.mktmpdir do |folder|
      FileUtils.cp_r(File.join(__dir__, 'capistrano/.'), folder)
      Open3.popen2e(environ, 'cap', *arguments, chdir: folder) do |_, output, process|
        meanwhile&.call(process)
        text = shown(output, process, more['WAIT'])
        [text, process.value.exitstatus]
      end
    end
  end

  # Sends a signal once the work has begun.
  def shown(output, process, signal)
    text = +''
    output.each_line do |line|
      text << line
      Process.kill(signal, process.pid) if signal && line.include?('the work')
    end
    text
  end
end
