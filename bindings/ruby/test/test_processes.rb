# frozen_string_literal: true

require_relative 'helper'

# Signals, forks and the end of the process.
class TestProcesses < Minitest::Test
  include Helper

  TRAPS = {
    cancel: 'client.cancel', close: '2.times { client.close }',
    track: 'client.track_build(**EVENT, status: "aborted"); client.close'
  }.freeze

  def test_a_trap_handler_may_do_all_that_a_program_may
    silent(answered: 'aborted') do |url, arrivals|
      TRAPS.each do |name, action|
        output, ruby = spawn_ruby(<<~RUBY, url)
          trap('TERM') { #{action}; puts 'handled' }
          begin
            client.track_build(**EVENT)
          rescue Versioner::InterruptedError
            puts 'interrupted'
          end
        RUBY
        arrivals.pop
        Process.kill('TERM', ruby)
        assert_equal "handled\ninterrupted\n", output.read, name
        assert_predicate Process.wait2(ruby).last, :success?
      end
    end
  end

  def test_a_forked_child_closes_and_tracks_while_its_parent_is_in_a_call
    silent(answered: 'aborted') do |url, arrivals|
      tracker = client(url)
      call = quiet { tracker.track_build(**A_BUILD) }
      arrivals.pop
      %i[close track_build].each do |what|
        child = fork do
          what == :close ? tracker.close : tracker.track_build(**A_BUILD, status: 'aborted')
          exit!(0)
        end
        assert_predicate Process.wait2(child).last, :success?
      end
      tracker.close
      assert_raises(Versioner::InterruptedError) { call.value }
    end
  end

  def test_a_trap_that_raises_interrupts
    listening do |url, told|
      before = trap('TERM') { raise Interrupt }
      assert_raises(Interrupt) do
        client(url).deployment(product: 'api', environment: 'production', version: '1') do
          Process.kill('TERM', Process.pid)
          sleep
        end
      end
      assert_equal [%w[started], %w[aborted Interrupt]], told
    ensure
      trap('TERM', before)
    end
  end

  def test_a_helper_thread_ends_with_the_process
    answering do |url|
      output, ruby = spawn_ruby('Thread.handle_interrupt(Object => :never) { client.track_build(**EVENT) }', url)
      assert_equal '', output.read
      assert_predicate Process.wait2(ruby).last, :success?
    end
  end

  private

  # A program of its own that has a client and an event.
  def spawn_ruby(script, url)
    head = <<~RUBY
      require 'versioner'
      $stdout.sync = true
      EVENT = { product: 'api', version: '1' }.freeze
      client = Versioner::Client.new(api_key: '#{KEY}', api_url: '#{url}', environment: {})
    RUBY
    output, write = IO.pipe
    ruby = Process.spawn(RbConfig.ruby, '-I', LIB, '-e', head + script, %i[out err] => write)
    write.close
    [output, ruby]
  end
end
