# frozen_string_literal: true

module Versioner
  # A call that makes a span. The helper thread leaves the span here, so that whoever asked finds it
  # even if an exception ends the waiting at the moment when the answer comes.
  class Asking
    # @return [SpanHandle, nil]
    attr_reader :handle

    # @param answers [Answers]
    # @param callback [FFI::Function, nil]
    def initialize(answers, callback)
      @answers = answers
      @callback = callback
    end

    # @param event [FFI::Struct]
    # @param arena [Arena] holds what it points to
    # @return [Call]
    def begin(event, arena)
      flag = event[:cancel_flag] = arena.flag
      call(arena, flag) { |client, span, result| Library.public_send(to('begin', event), client, event, span, result) }
    end

    # @param (see #begin)
    # @return (see #begin)
    def prepare(event, arena)
      call(arena, nil) { |client, span, result| Library.public_send(to('prepare', event), client, event, span, result) }
    end

    # @param saved [String]
    # @return (see #begin)
    def resume(saved)
      arena = Arena.new
      text = arena.text(:saved, saved)
      flag = arena.flag
      call(arena, flag) { |client, span, result| Library.versioner_span_resume(client, text, flag, span, result) }
    end

    # Tells +aborted+ for what was allowed although nobody waits for it any more.
    def let_go
      @handle&.let_go
    end

    private

    # @return [Symbol] the function for this event
    def to(name, event)
      :"versioner_span_#{name}#{'_build' if event.is_a?(Library::BuildEvent)}"
    end

    # @yield [client, span, result] on the helper thread: the C client, and places for the others
    def call(arena, flag)
      Call.new(arena, flag) do |client, result|
        place = arena.pointer
        yield client, place, result
        take(place.read_pointer, flag)
      end
    end

    def take(pointer, flag)
      return if pointer.null?
      # Whoever asked has left, or is leaving.
      return Library.versioner_span_free(pointer) if flag && flag.read_int32 != 0

      @handle = SpanHandle.new(pointer, @answers, @callback)
    end
  end
end
