# frozen_string_literal: true

module Versioner
  # The helper threads of a client, and with them the C client, which lives until no call needs it.
  #
  # Threads that want something done use queues only, and no lock: a trap handler may not lock, and
  # whatever it interrupts never holds what it waits for. Locks are for helper threads.
  class Workers
    # So many helper threads without work are kept.
    SPARE = 3
    private_constant :SPARE

    # @param client [FFI::AutoPointer] the C client
    # @param log [FFI::Function, nil] kept alive as long as the C client, which calls it
    def initialize(client, log)
      @client = client
      @log = log
      @calls = Queue.new
      @mutex = Mutex.new
      @running = {}.compare_by_identity
      @ended = ConditionVariable.new
    end

    # Has a call made. An exception that comes from outside meanwhile (Interrupt, Timeout,
    # Thread#kill) ends the call.
    #
    # @yield see {Call#wait}
    # @return [String] the JSON of the result
    # @raise [ClosedError]
    def make(call, &log)
      @calls << call
      # To the helper thread, which has just woken up: both then change places once, not twice.
      Thread.pass
      start if @calls.num_waiting.zero? && !@calls.empty?
      answer = call.wait(&log)
    rescue ClosedQueueError
      raise ClosedError, 'the client is closed'
    ensure
      call.abandon unless answer
    end

    # Ends the calls in progress.
    def cancel
      locked { @running.each_key(&:cancel) }
    end

    # Refuses calls from now on, ends those in progress, and frees the C client after the last.
    # Any number of threads may close, which all return then.
    def close
      @calls.close
      locked do
        @running.each_key(&:cancel)
        @ended.wait(@mutex) while @running.keys.any?(&:of_this_process?)
        @client&.free
        @client = nil
      end
    end

    def closed?
      @calls.closed?
    end

    # @return [Proc] for a finaliser of what owns these: the helper threads end, and then nothing
    #   holds the C client any more
    def stopper
      calls = @calls
      proc { calls.close }
    end

    private

    # A thread takes on whatever mask its maker has. This one must be free to end with the process,
    # but only while it has no work.
    def start
      thread = Thread.new { Thread.handle_interrupt(Object => :on_blocking) { work } }
      thread.name = 'versioner'
    end

    def work
      while (call = @calls.pop)
        Thread.handle_interrupt(Object => :never) do
          succeed
          run(call)
        end
        break if @calls.num_waiting >= SPARE
      end
    end

    # Whoever queued a call saw this thread wait, but it took another one.
    def succeed
      start unless @calls.empty?
    rescue ThreadError
      # No more threads: the next call waits for the end of this one.
      nil
    end

    def run(call)
      client = enter(call)
      return call.finish(ClosedError.new('the client is closed')) unless client

      begin
        answer = call.run(client)
      ensure
        leave(call)
        call.finish(answer)
      end
    end

    def enter(call)
      @mutex.synchronize do
        next if @calls.closed? || !call.of_this_process?

        @running[call] = true
        @client
      end
    end

    def leave(call)
      @mutex.synchronize do
        @running.delete(call)
        @ended.broadcast
      end
    end

    def locked(&block)
      Thread.new { @mutex.synchronize(&block) }.join
      nil
    end
  end
end
