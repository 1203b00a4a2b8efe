# frozen_string_literal: true

require_relative 'helper'
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

  def test_threads_share_a_client
    answering do |url|
      tracker = client(url)
      ids = Array.new(16) { Thread.new { tracker.track_build(**A_BUILD).event_id } }.map(&:value)
      assert_equal ['evt-1'], ids.uniq
    end
  end

  def test_inspect_shows_the_url_without_its_password_and_whether_it_is_closed
    tracker = client(nil, environment: { 'VERSIONER_API_URL' => 'https://127.0.0.1:1/base' })
    assert_equal '#<Versioner::Client https://127.0.0.1:1/base>', tracker.inspect
    tracker.close
    assert_equal '#<Versioner::Client https://127.0.0.1:1/base closed>', tracker.to_s
  end

  # Not among the threads' tests, which JRuby runs: its own Timeout raises the second one too late.
  def test_nested_timeouts_that_end_together
    silent do |url, _|
      10.times do
        tracker = client(url)
        assert_raises(Timeout::Error) do
          Timeout.timeout(0.02) { Timeout.timeout(0.02) { tracker.track_build(**A_BUILD) } }
        end
        tracker.close
      end
    end
  end

  def test_open_closes_after_the_block
    answering do |url|
      options = { api_key: KEY, api_url: url, environment: {} }
      held = nil
      id = Versioner::Client.open(**options) { |tracker| (held = tracker).track_build(**A_BUILD).event_id }
      assert_equal ['evt-1', true], [id, held.closed?]
      assert_raises(RuntimeError) { Versioner::Client.open(options) { |tracker| raise((held = tracker).inspect) } }
      assert_predicate held, :closed?
      refute_predicate Versioner::Client.open(**options), :closed?
    end
  end
end
