# frozen_string_literal: true

require_relative 'helper'
require 'timeout'

# A deployment as a block, and what may end it.
class TestDeployment < Minitest::Test
  include Helper

  EVENT = { product: 'api', environment: 'production', version: '1.2.3' }.freeze
  # How a block may end, and what is told then.
  ENDS = {
    'a value' => [proc { 5 }, %w[completed]],
    'a success' => [proc { exit }, %w[completed]],
    'another code' => [proc { exit 3 }, %w[failed SystemExit]],
    'an error' => [proc { raise IOError, 'a secret' }, %w[failed IOError]],
    'no error of its own' => [proc { raise NotImplementedError }, %w[failed NotImplementedError]],
    'an interrupt' => [proc { raise Interrupt }, %w[aborted Interrupt]],
    'a signal' => [proc { raise SignalException, 'TERM' }, %w[aborted SignalException]],
    'an interrupted call' => [proc { raise Versioner::InterruptedError }, %w[aborted Versioner::InterruptedError]],
    'a throw' => [proc { throw :away }, %w[aborted]]
  }.freeze

  def test_a_deployment_ends_as_its_block_does
    listening do |url, told|
      ENDS.each do |name, (body, ending)|
        begin
          catch(:away) { client(url).deployment(**EVENT, &body) }
        rescue SystemExit, SignalException, StandardError, NotImplementedError => e
          assert_includes [*ending, 'SystemExit'], e.class.name
        end
        assert_equal [%w[started], ending], told.shift(2), name
      end
      quiet { client(url).deployment(**EVENT) { Thread.current.kill } }.join
      assert_equal [%w[started], %w[aborted]], told
    end
  end

  def test_whoever_interrupts_does_not_wait_long
    ends = [Interrupt.new, SignalException.new('TERM'), Versioner::InterruptedError.new, IOError.new, SystemExit.new]
    assert_equal([5, 5, 5, nil, nil], ends.map { |error| Versioner::Scope.ending(error)[:timeout] })
  end

  # How a block may end, and what is known of that.
  FACTS = {
    proc { 5 } => {},
    proc { exit } => { 'vi_exit_code' => 0 },
    proc { exit 3 } => { 'vi_exit_code' => 3, 'vi_error_class' => 'SystemExit' },
    proc { abort } => { 'vi_exit_code' => 1, 'vi_error_class' => 'SystemExit' },
    proc { raise SignalException, 'TERM' } => { 'vi_signal' => 'TERM', 'vi_error_class' => 'SignalException' },
    proc { raise Interrupt } => { 'vi_signal' => 'INT', 'vi_error_class' => 'Interrupt' }
  }.freeze

  def test_a_build_ends_as_its_block_does_and_says_what_ended_it
    receiving do |url, bodies|
      FACTS.each do |body, facts|
        begin
          client(url).build(product: 'api', version: '1.2.3', &body)
        rescue SystemExit, SignalException => e
          assert_equal e.class.name, facts.fetch('vi_error_class', 'SystemExit')
        end
        start, ending = Array.new(2) { bodies.pop }
        assert_equal ['started', nil], start.values_at('status', 'environment_name')
        told = ending['extra_metadata'].reject { |name, _| name == 'vi_duration_ms' }
        assert_equal facts, told
      end
    end
  end

  def test_what_is_not_built
    answering(409, '{"detail": {"message": "it exists"}}') do |url|
      tracker = client(url)
      error = assert_raises(Versioner::RejectedError) { tracker.build(product: 'api', version: '1') { flunk 'it ran' } }
      assert_equal :version_conflict, error.kind
      assert_raises(Versioner::ArgumentError) { tracker.build(product: 'api', version: '1') }
      assert_raises(Versioner::ArgumentError) { tracker.build(product: 'api', version: '1', environment: 'x') { 1 } }
    end
    assert_includes Versioner::EndError.new(Versioner::Result.of, what: 'build').text, 'the build succeeded'
  end

  def test_the_value_of_the_block_is_given
    listening do |url, told|
      spans = []
      value = client(url).deployment(**EVENT) do |span|
        spans << span
        next 5
      end
      assert_equal [5, 36, true], [value, spans[0].id.size, spans[0].started.recorded?]
      left = client(url).deployment(**EVENT) { break 6 }
      assert_equal [6, %w[completed aborted]], [left, told.values_at(1, 3).map(&:first)]
    end
  end

  def test_what_is_not_allowed_does_not_run
    answering(423, '{"detail": {"message": "frozen"}}') do |url|
      assert_raises(Versioner::RejectedError) { client(url).deployment(**EVENT) { flunk 'it ran' } }
      assert_raises(Versioner::ArgumentError) { client(url).deployment(**EVENT) }
    end
  end

  def test_a_timeout_aborts
    listening do |url, told|
      assert_raises(Timeout::Error) do
        Timeout.timeout(0.05) { client(url).deployment(**EVENT) { Queue.new.pop } }
      end
      # On JRuby a timeout looks like a failure of the block; on a slow machine it comes while it asks.
      refute_includes [%w[started], %w[completed]], told.last
    end
  end

  # Two signals often come as one: from the terminal and from whoever started the program.
  def test_an_exception_that_follows_at_once_does_not_keep_the_end_from_being_told
    listening do |url, told|
      20.times do
        tracker = client(url)
        inside = Queue.new
        thread = quiet do
          tracker.deployment(**EVENT) do
            inside << true
            Queue.new.pop
          end
        end
        inside.pop
        thread.raise(Interrupt)
        thread.raise(Interrupt)
        assert_raises(Interrupt) { thread.join }
      end
      wait_for(40, told)
      assert_equal %w[aborted], told.map(&:first).uniq - %w[started]
    end
  end

  def test_a_success_that_cannot_be_told_is_no_failure
    listening('completed' => 500) do |url, told|
      tracker = client(url, max_retries: 0)
      error = assert_raises(Versioner::EndError) { tracker.deployment(**EVENT) { 5 } }
      assert_equal [5, 4, :server], [error.value, error.code, error.kind]
      assert_includes error.text, 'the deployment succeeded'
      assert_equal %w[started completed], told.map(&:first)
    end
  end

  def test_that_a_failure_cannot_be_told_does_not_hide_it
    listening('failed' => 401) do |url, _|
      _, warned = capture_io do
        assert_raises(IOError) { client(url).deployment(**EVENT) { raise IOError } }
      end
      assert_equal 1, warned.lines.size, warned
      assert_includes warned, 'failed could not be told'
    end
  end

  def test_while_the_block_runs_it_is_said_that_it_goes_on
    renewals = Queue.new
    heard = ->(body) { renewals << body if body.include?('lease_seconds') }
    headers = { 'Versioner-Features' => 'span, renew' }
    answering(200, '{"id": "dep-1"}', heard, headers: headers) do |url|
      client(url).deployment(**EVENT, lease: 1) { 2.times { renewals.pop } }
    end
  end

  private

  def wait_for(count, told)
    Timeout.timeout(20) { Thread.pass until told.size >= count }
  end
end
