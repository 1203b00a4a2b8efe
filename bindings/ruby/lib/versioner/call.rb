# frozen_string_literal: true

module Versioner
  # One call into the C library: what it is told, the flag that ends it early, and what comes back.
  #
  # A helper thread runs it and owns all memory of it, because Ruby cannot interrupt a thread that
  # is in C. The thread that wants the result only waits, and can leave at any moment.
  class Call
    CURRENT = :versioner_call
    # The result of what succeeded and asked for nothing.
    NOTHING = '{}'
    private_constant :CURRENT, :NOTHING

    # @return [Call, nil] the one that the current thread runs
    def self.current
      Thread.current[CURRENT]
    end

    # A call of a function that takes the C client, a struct and a place for the result. Made here, so
    # that it holds no client: a helper thread keeps its last call.
    #
    # @param function [Symbol] of {Library}
    # @param struct [FFI::Struct] with a cancel_flag
    # @param arena [Arena]
    def self.to(function, struct, arena)
      flag = struct[:cancel_flag] = arena.flag
      new(arena, flag) { |client, result| Library.public_send(function, client, struct, result) }
    end

    # @param arena [Arena] holds what the C library is told
    # @param flag [FFI::Pointer, nil] ends it; without one nothing does
    # @yield [client, result] on the helper thread: the C client, and a place for the C result
    def initialize(arena, flag = nil, &function)
      @arena = arena
      @flag = flag
      @function = function
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
    # @param client [FFI::Pointer, nil]
    def run(client)
      @taken = true
      Thread.current[CURRENT] = self
      place = @arena.pointer
      @function.call(client, place)
      result = place.read_pointer
      result.null? ? NOTHING : Library.take(result)
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
      @flag&.write_int32(1)
    end

    # Cancels it, and waits until it has ended, so that what its thread tells next cannot overtake
    # it. A further exception may end the waiting too.
    def abandon
      cancel
      nil while @taken && @news.pop
    end
  end
end
