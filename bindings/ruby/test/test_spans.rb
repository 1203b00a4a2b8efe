# frozen_string_literal: true

require_relative 'helper'
require 'logger'
require 'stringio'

# What begins in one place and ends in another.
class TestSpans < Minitest::Test
  include Helper

  EVENT = { product: 'api', environment: 'production', version: '1.2.3' }.freeze

  def test_any_thread_may_end_a_span_of_a_client_that_is_closed
    listening do |url, told|
      log = StringIO.new
      tracker = client(url, logger: Logger.new(log))
      span = tracker.begin(**EVENT)
      tracker.close
      results = %w[completed failed aborted].map { |status| Thread.new { span.end(status) } }.map(&:value)
      assert_equal %w[evt-1], results.map(&:event_id).uniq
      assert_equal 2, told.size
      refute_empty log.string
    end
  end

  def test_a_span_that_is_closed_without_an_end_is_aborted
    listening do |url, told|
      span = client(url).begin(**EVENT)
      2.times { assert_nil span.close }
      assert_predicate span, :closed?
      [-> { span.end('completed') }, -> { span.renew }, -> { span.save }].each do |call|
        assert_equal 'span', assert_raises(Versioner::ArgumentError, &call).argument
      end
      assert_equal %w[started aborted], told.map(&:first)
      assert_includes span.inspect, span.id
    end
  end

  def test_an_end_that_is_none_leaves_a_span_open
    listening do |url, told|
      span = client(url).begin(**EVENT)
      [nil, '', 'done?', 5].each { |status| assert_raises(Versioner::ArgumentError) { span.end(status) } }
      assert_raises(Versioner::ArgumentError) { span.end('failed', timeout: 0) }
      assert_raises(Versioner::ArgumentError) { client(url).resume(nil) }
      span.end(:failed, error_class: IOError, extra_metadata: { a: 1 })
      assert_equal [%w[started], %w[failed IOError]], told
    end
  end

  # What the finaliser does once nobody refers to the span, though its end is still being told.
  def test_an_end_that_is_being_told_outlives_its_span
    arrived = Queue.new
    release = Queue.new
    heard = lambda do |body|
      arrived << body
      release.pop if body.include?('completed')
    end
    answering(200, '{"id": "evt-1"}', heard) do |url|
      span = client(url).begin(**EVENT)
      arrived.pop
      ending = Thread.new { span.end('completed') }
      arrived.pop
      _, complaints = capture_io { 2.times { span.instance_variable_get(:@handle).lose } }
      release << true
      assert_equal 'evt-1', ending.value.event_id
      assert_empty complaints
      assert_raises(Versioner::ArgumentError) { span.end('failed') }
    end
  end

  # In a process of its own, because a test cannot say when something is collected.
  def test_a_span_that_is_lost_is_a_warning_and_sends_nothing
    listening do |url, told|
      script = <<~RUBY
        require 'logger'
        require 'versioner'
        client = Versioner::Client.new(api_key: '#{KEY}', api_url: '#{url}', environment: {})
        event = { product: 'api', environment: 'production', version: '1' }
        client.begin(event).save
        client.begin(event).end('failed')
        client.prepare(event)
        client.resume(client.prepare(event).save)
        client.begin(event)
        other = Versioner::Client.new(api_key: '#{KEY}', api_url: '#{url}', environment: {}, outbox: ARGV[0],
                                      logger: Logger.new($stderr))
        other.begin(event)
      RUBY
      Dir.mktmpdir do |outbox|
        output = IO.popen([RbConfig.ruby, '-I', LIB, '-e', script, outbox], err: %i[child out], &:read)
        assert_equal 3, output.scan('a span was lost without an end').size, output
        assert_includes output, "kept in #{outbox}"
        assert_equal 1, Dir.glob("#{outbox}/*.json").size
      end
      assert_equal %w[started started failed started started started], told.map(&:first)
    end
  end
end
