# frozen_string_literal: true

require_relative 'helper'
require 'bigdecimal'
require 'logger'
require 'stringio'
require 'timeout'

# What a Ruby program relies on.
class TestClient < Minitest::Test
  include Helper

  def test_a_result_is_frozen_and_tells_all
    answering do |url|
      result = client(url).track_build(**A_BUILD)
      assert result.recorded? && result.frozen?
      assert_equal [0, :ok, 'evt-1', 1], [result.code, result.kind, result.event_id, result.attempts]
    end
  end

  def test_a_rejection_carries_rule_code_and_details
    body = JSON.generate(detail: { code: 'FLOW_VIOLATION', message: 'staging first',
                                   retry_after: '2026-01-01T00:00:00Z', details: { rule_name: 'Flow' } })
    answering(428, body) do |url|
      event = { **A_BUILD, environment: 'production', status: 'started' }
      error = assert_raises(Versioner::RejectedError) { client(url).track_deployment(**event) }
      assert_equal [5, :flow_violation, 'Flow', 'FLOW_VIOLATION', 428],
                   [error.code, error.kind, error.rule, error.policy_code, error.http_status]
      assert_equal({ 'rule_name' => 'Flow' }, error.details)
      assert_equal '2026-01-01T00:00:00Z', error.retry_after
      assert_kind_of Versioner::Error, error
      assert_includes error.text, 'Deployment Precondition Failed'
    end
  end

  def test_every_failure_has_a_class
    answering(401, '{"detail": "Invalid API key"}') do |url|
      assert_raises(Versioner::APIError) { client(url).track_build(**A_BUILD) }
      assert_raises(Versioner::ArgumentError) { client(url).track_build(product: 'api') }
    end
    assert_raises(Versioner::ConfigError) { Versioner::Client.new(environment: {}) }
    nobody = client('http://127.0.0.1:1', max_retries: 0)
    assert_raises(Versioner::NetworkError) { nobody.track_build(**A_BUILD) }
    silent do |url, _|
      slow = client(url, max_retries: 0, attempt_timeout: 0.01)
      assert_raises(Versioner::TimeoutError) { slow.track_build(**A_BUILD) }
    end
  end

  def test_best_effort_is_a_warning
    nobody = client('http://127.0.0.1:1', max_retries: 0, fail_on_api_error: false)
    result = nobody.track_build(**A_BUILD)
    refute result.recorded?
    assert_equal ['not_recorded', [:not_recorded]], [result.status, result.warnings.map(&:kind)]
  end

  def test_arguments_of_the_wrong_sort_are_refused_before_anything_is_sent
    tracker = client('http://127.0.0.1:1')
    [
      { stray: 1 }, { product: "a\0b" }, { product: "caf\xE9".dup.force_encoding('Shift_JIS') },
      { extra_metadata: { 1 => 2 } }, { extra_metadata: { a: Float::NAN } },
      { extra_metadata: { a: Object.new } }
    ].each do |fields|
      assert_raises(::ArgumentError, fields.inspect) { tracker.track_build(**A_BUILD, **fields) }
    end
    assert_raises(Versioner::ArgumentError) { tracker.track_build(product: "\xFF".b, version: '1') }
    [{ stray: 1 }, { fail_on_api_error: 'yes' }, { max_retries: -1 }, { retry_pause: '1' }].each do |options|
      assert_raises(::ArgumentError, options.inspect) { client('http://127.0.0.1:1', **options) }
    end
  end

  def test_metadata_numbers_travel_as_they_are
    value = { big: 12_345_678_901_234_567_890, exact: BigDecimal('0.10'), list: [1, 1.5, nil, true, :x] }
    expected = '{"big":12345678901234567890,"exact":0.1,"list":[1,1.5,null,true,"x"]}'
    assert_equal expected, Versioner::Metadata.json(value)
  end

  def test_a_time_is_told_with_its_zone
    answering do |url|
      assert client(url).track_build(**A_BUILD, completed_at: Time.at(0).utc).recorded?
      error = assert_raises(Versioner::ArgumentError) { client(url).track_build(**A_BUILD, completed_at: 'noon') }
      assert_includes error.message, 'completed_at'
    end
  end

  def test_an_interrupt_ends_a_call_and_other_threads_run_meanwhile
    silent do |url, arrivals|
      tracker = client(url)
      thread = Thread.new { tracker.track_build(**A_BUILD) }
      thread.report_on_exception = false
      arrivals.pop
      thread.raise(Interrupt)
      assert_raises(Interrupt) { thread.join }
      tracker.close
    end
  end

  def test_cancel_ends_the_calls_in_progress
    silent do |url, arrivals|
      tracker = client(url)
      thread = Thread.new { tracker.track_build(**A_BUILD) }
      thread.report_on_exception = false
      arrivals.pop
      tracker.cancel
      assert_raises(Versioner::InterruptedError) { thread.value }
    end
  end

  def test_threads_share_a_client
    answering do |url|
      tracker = client(url)
      ids = Array.new(16) { Thread.new { tracker.track_build(**A_BUILD).event_id } }.map(&:value)
      assert_equal ['evt-1'], ids.uniq
    end
  end

  def test_a_closed_client_says_so
    tracker = client('http://127.0.0.1:1')
    2.times { tracker.close }
    assert_raises(Versioner::ClosedError) { tracker.track_build(**A_BUILD) }
  end

  def test_the_log_and_inspect_never_show_the_key
    log = StringIO.new
    tracker = client('http://127.0.0.1:1', max_retries: 0, logger: Logger.new(log))
    error = assert_raises(Versioner::NetworkError) { tracker.track_build(**A_BUILD, scm_branch: KEY) }
    assert_includes log.string, 'network'
    [log.string, tracker.inspect, tracker.to_s, error.inspect, error.full_message].each do |text|
      refute_includes text, KEY
    end
  end

  def test_a_logger_s_own_fault_harms_nothing
    logger = Logger.new(nil)
    logger.define_singleton_method(:debug) { |*| raise 'fault' }
    answering { |url| assert client(url, logger: logger).track_build(**A_BUILD).recorded? }
  end
end
