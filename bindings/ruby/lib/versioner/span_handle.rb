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
      @is_let_go = @is_ending = false
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

    # For a finaliser, which must neither send nor wait: what nobody refers to any more, nobody ends.
    def lose
      return if @uses.zero? || !of_this_process?

      @uses = 0
      @answers.lost(@id) if Library.versioner_span_drop(@pointer)
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

    def use
      @mutex.synchronize do
        raise ArgumentError.new('the span is closed', argument: 'span') if @is_let_go

        @uses += 1
      end
      begin
        yield @pointer
      ensure
        leave
      end
    end

    def leave
      is_last = @mutex.synchronize { (@uses -= 1).zero? }
      Library.versioner_span_free(@pointer) if is_last
    end
  end
end
