# frozen_string_literal: true

module Versioner
  # One call into the C library: what it is told, the flag that ends it early, and what comes back.
  #
  # A helper thread runs it and owns all memory of it, because Ruby cannot interrupt a thread that
  # is in C. The thread that wants the result only waits, and can leave at any moment.
  class Call
    CURRENT = :versioner_call
    private_constant :CURRENT

    # @return [Call, nil] the one that the current thread runs
    def self.current
      Thread.current[CURRENT]
    end

    # @param function [Symbol] of {Library}
    # @param event [FFI::Struct]
    # @param arena [Arena] holds what the event points to
    def initialize(function, event, arena)
      @function = function
      @event = event
      @arena = arena
      @flag = event[:cancel_flag] = arena.flag
      @process = Process.pid
      @news = Queue.new
      @taken = false
    end

    # A child that was forked finds the calls of its parent, which are not its own to make.
    def of_this_process?
      @process == Process.pid
    end

    # Makes the call. For the helper thread.
    #
    # @param client [FFI::Pointer]
    def run(client)
      @taken = true
      Thread.current[CURRENT] = self
      place = @arena.pointer
      Library.public_send(@function, client, @event, place)
      Library.take(place.read_pointer)
    rescue StandardError => e
      e
    ensure
      Thread.current[CURRENT] = nil
    end

    # Ends it, with the JSON of its result or with an exception. For the helper thread.
    def finish(answer)
      @news << answer
      @news.close
      # To the thread that waits, as it did.
      Thread.pass
    end

    # Notes a message of the C library. For the helper thread.
    def log(level, message)
      @news << [level, message]
    end

    # Waits for the end.
    #
    # @yield each log message, on this thread: a logger may take what locks its program holds
    # @yieldparam level [Symbol]
    # @yieldparam message [String]
    # @return [String] the JSON of the result
    def wait
      while (news = @news.pop).is_a?(Array)
        yield(*news)
      end
      raise news if news.is_a?(Exception)

      news
    end

    # Makes the call end soon, with a result of kind +interrupted+. For any thread.
    def cancel
      @flag.write_int32(1)
    end

    # Cancels it, and waits until it has ended, so that what its thread tells next cannot overtake
    # it. A further exception may end the waiting too.
    def abandon
      cancel
      nil while @taken && @news.pop
    end
  end
end
