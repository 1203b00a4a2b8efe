# frozen_string_literal: true

require_relative 'helper'
require 'timeout'

# Threads that share a client, what interrupts them, and the end of a client.
class TestThreads < Minitest::Test
  include Helper

  def test_whatever_ends_a_call_leaves_its_client_whole
    ways = {
      interrupt: [Interrupt, ->(thread) { thread.raise(Interrupt) }],
      twice: [RuntimeError, ->(thread) { 2.times { thread.raise('again') && Thread.pass } }],
      kill: [nil, ->(thread) { thread.kill }]
    }
    silent do |url, arrivals|
      ways.each do |name, (error, stop)|
        tracker = client(url)
        thread = quiet { tracker.track_build(**A_BUILD) }
        arrivals.pop
        stop.call(thread)
        error ? assert_raises(error, name) { thread.join } : thread.join
        tracker.close
      end
    end
  end

  # The second exception comes while the first is being dealt with.
  def test_exceptions_one_after_the_other_free_nothing_too_early
    silent do |url, arrivals|
      20.times do
        tracker = client(url)
        thread = quiet { tracker.track_build(**A_BUILD) }
        arrivals.pop
        thread.raise('first')
        thread.raise('second')
        assert_raises(RuntimeError) { thread.join }
        tracker.close
      end
    end
  end

  def test_cancel_ends_the_calls_in_progress
    silent do |url, arrivals|
      tracker = client(url)
      threads = Array.new(3) { quiet { tracker.track_build(**A_BUILD) } }
      3.times { arrivals.pop }
      tracker.cancel
      threads.each { |thread| assert_raises(Versioner::InterruptedError) { thread.value } }
    end
  end

  def test_close_ends_calls_and_refuses_new_ones_for_any_number_of_closers
    silent do |url, arrivals|
      tracker = client(url)
      call = quiet { tracker.track_build(**A_BUILD) }
      arrivals.pop
      closers = Array.new(3) { Thread.new { tracker.close } }
      assert_raises(Versioner::InterruptedError) { call.value }
      closers.each(&:join)
      assert_raises(Versioner::ClosedError) { tracker.track_build(**A_BUILD) }
      tracker.close
    end
  end

  def test_close_is_not_starved
    answering do |url|
      tracker = client(url)
      begun = Queue.new
      threads = Array.new(4) do
        quiet do
          loop do
            tracker.track_build(**A_BUILD)
            begun << true
          end
        end
      end
      4.times { begun.pop }
      tracker.close
      threads.each { |thread| assert_raises(Versioner::ClosedError, Versioner::InterruptedError) { thread.join } }
    end
  end

  def test_calls_share_a_helper_thread_that_ends_with_the_client
    answering do |url|
      others = helpers
      tracker = client(url)
      tracker.track_build(**A_BUILD)
      mine = helpers - others
      refute_empty mine
      20.times { tracker.track_build(**A_BUILD) }
      assert mine.all?(&:alive?)
      tracker.close
      mine.each(&:join)
    end
  end

  def test_a_client_that_nobody_holds_takes_its_helper_threads_along
    answering do |url|
      others = helpers
      Thread.new { 10.times { client(url).track_build(**A_BUILD) } }.join
      mine = helpers - others
      Timeout.timeout(20) { GC.start while mine.count(&:alive?) > 5 }
    end
  end

  private

  def helpers
    Thread.list.select { |thread| thread.name == 'versioner' }
  end
end
