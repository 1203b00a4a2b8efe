# frozen_string_literal: true

require_relative 'helper'
require 'logger'
require 'monitor'
require 'stringio'
require 'timeout'

# What a logger is told, where it runs, and what its faults do.
class TestLogging < Minitest::Test
  include Helper

  def test_the_log_and_inspect_never_show_the_key
    log = StringIO.new
    tracker = client('http://127.0.0.1:1', max_retries: 0, logger: Logger.new(log))
    error = assert_raises(Versioner::NetworkError) { tracker.track_build(**A_BUILD, scm_branch: KEY) }
    assert_includes log.string, 'network'
    [log.string, tracker.inspect, tracker.to_s, error.inspect, error.full_message].each do |text|
      refute_includes text, KEY
    end
  end

  def test_no_error_shows_a_key_that_cannot_be_used
    [KEY.to_sym, "#{KEY}\xFF", "#{KEY}\0", "#{KEY}é".encode('UTF-16LE')].each do |key|
      error = assert_raises(Versioner::Error) { client('http://127.0.0.1:1', api_key: key) }
      refute_includes error.full_message, 'secretsecret'
    end
  end

  def test_no_error_shows_a_key_that_stands_in_the_wrong_place
    holder = { api_key: KEY }
    errors = %i[fail_on_api_error max_retries total_timeout environment logger ca_file].map do |name|
      assert_raises(Versioner::ArgumentError) { client('http://127.0.0.1:1', name => holder) }
    end
    tracker = client('http://127.0.0.1:1', max_retries: 0)
    errors += %i[version skip_preflight_checks completed_at].map do |name|
      assert_raises(Versioner::ArgumentError) { tracker.track_deployment(**A_BUILD, environment: 'e', name => holder) }
    end
    errors << assert_raises(Versioner::ArgumentError) { client('http://127.0.0.1:1', max_retries: KEY) }
    errors << assert_raises(Versioner::ArgumentError) { Versioner::Metadata.json({ holder => 1 }) }
    errors.each { |error| refute_includes error.full_message, KEY }
  end

  def test_a_logger_runs_on_the_thread_that_tracks
    answering do |url|
      lock = Monitor.new
      threads = []
      logger = Logger.new(nil)
      logger.define_singleton_method(:debug) { |_| lock.synchronize { threads << Thread.current } }
      lock.synchronize { client(url, logger: logger).track_build(**A_BUILD) }
      assert_equal [Thread.current], threads.uniq
    end
  end

  def test_a_timeout_ends_a_logger_that_hangs
    answering do |url|
      logger = Logger.new(nil)
      logger.define_singleton_method(:debug) { |_| Queue.new.pop }
      tracker = client(url, logger: logger)
      assert_raises(Timeout::Error) { Timeout.timeout(0.1) { tracker.track_build(**A_BUILD) } }
      tracker.close
    end
  end

  def test_a_warning_goes_to_the_logger_that_is_given_or_else_to_standard_error
    log = StringIO.new
    best_effort = { max_retries: 0, fail_on_api_error: false }
    told = [{}, { logger: Logger.new(log, level: :warn) }].map do |logger|
      tracker = client('http://127.0.0.1:1', **best_effort, **logger)
      capture_io { refute tracker.track_build(**A_BUILD).recorded? }.last
    end
    assert_match(/\Aversioner: the event was not recorded: .*\n\z/, told[0])
    assert_empty told[1]
    assert_equal 1, log.string.scan('the event was not recorded').size
  end

  def test_a_logger_s_own_fault_loses_no_event_and_is_told_once
    logger = Logger.new(nil)
    logger.define_singleton_method(:debug) { |*| raise 'fault' }
    answering do |url|
      tracker = client(url, logger: logger)
      _, told = capture_io { 2.times { assert tracker.track_build(**A_BUILD).recorded? } }
      assert_equal "versioner: the logger failed: fault (RuntimeError)\n", told
    end
  end
end
