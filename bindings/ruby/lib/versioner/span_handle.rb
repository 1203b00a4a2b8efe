# frozen_string_literal: true

module Versioner
  # The C span, which lives until it is let go and no call needs it.
  #
  # Each call has a helper thread of its own, which nothing ends: not the client, which may be closed,
  # nor what ends the deployment itself. The thread that wants the result only waits.
  class SpanHandle
    # @return [String]
    attr_reader :id

    # @param pointer [FFI::Pointer] to a versioner_span
    # @param answers [Answers]
    # @param callback [FFI::Function, nil] kept alive, because the C span calls it
    def initialize(pointer, answers, callback)
      @pointer = pointer
      @answers = answers
      @callback = callback
      @id = Library.versioner_span_id(pointer).force_encoding(Encoding::UTF_8).freeze
      @process = Process.pid
      @mutex = Mutex.new
      @uses = 1
      @is_let_go = @is_lost = @is_ending = false
      # Whoever takes it frees the C span.
      @owned = Queue.new << true
    end

    # Whether it began or was resumed here, and not in the process that this one was forked from.
    def of_this_process?
      @process == Process.pid
    end

    # Whether somebody has it told how it ended.
    def ending?
      @is_ending
    end

    # @param fields [Hash] of {Span#end}
    # @return [Result]
    def end(fields)
      arena = Arena.new
      ending = Fields.ending(fields, arena)
      json = make(arena, -> { @is_ending = true }) do |span, result|
        Library.versioner_span_end(span, ending, result)
        kind = Library.versioner_result_kind(result.read_pointer)
        @is_ending = false if kind == Header::KINDS[:invalid_argument]
      end
      @answers.result(json)
    end

    def renew
      @answers.result(make { |span, result| Library.versioner_span_renew(span, result) })
    end

    # @return [String]
    def save
      text = nil
      make do |span, _|
        text = Library.versioner_span_save(span).force_encoding(Encoding::UTF_8)
      end
      text
    end

    # Frees it after the last call: then it is told +aborted+, unless it has ended or is saved.
    def let_go
      make do
        @mutex.synchronize do
          @uses -= 1 unless @is_let_go
          @is_let_go = true
        end
      end
    rescue ArgumentError
      # It was before.
      nil
    end

    def let_go?
      @is_let_go
    end

    # For a finaliser, which must neither send nor wait, and may come while a lock is held: what nobody
    # refers to any more, nobody ends. A call may still be at work that nobody waits for; it drops the
    # C span then.
    def lose
      return if @is_let_go || !of_this_process?

      @is_let_go = @is_lost = true
      drop if @uses == 1
    end

    private

    # @param begun [Proc, nil] called as soon as nothing can keep the call from being made
    # @yield on the helper thread
    # @return [String] the JSON of the result
    def make(arena = Arena.new, begun = nil)
      call = Call.new(arena) { |_, result| use { |span| yield span, result } }
      # A thread takes on the mask of its maker: this one cannot be ended, not even at first.
      Thread.handle_interrupt(Object => :never) do
        thread = Thread.new { call.finish(call.run(nil)) }
        thread.name = 'versioner-span'
        begun&.call
      end
      call.wait(&@answers.listener)
    end

    # Counts first and looks then, because a finaliser does it the other way round.
    def use
      @mutex.synchronize { @uses += 1 }
      begin
        raise ArgumentError.new('the span is closed', argument: 'span') if @is_let_go

        yield @pointer
      ensure
        leave
      end
    end

    def leave
      left = @mutex.synchronize { @uses -= 1 }
      if @is_lost
        drop if left == 1
      elsif left.zero?
        Library.versioner_span_free(@pointer) if own
      end
    end

    def drop
      @answers.lost(@id) if own && Library.versioner_span_drop(@pointer)
    end

    def own
      @owned.pop(true)
    rescue ThreadError
      false
    end
  end
end
