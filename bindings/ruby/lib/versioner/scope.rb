# frozen_string_literal: true

module Versioner
  # A deployment or build as a block: what {Client#deployment} and {Client#build} do.
  class Scope
    COMPLETED = { status: 'completed' }.freeze
    # By what raises nothing: Thread#kill, throw (which Timeout uses), break and return.
    ABORTED = { status: 'aborted' }.freeze
    # Whoever interrupts a program does not wait longer for it, in seconds.
    PATIENCE = 5
    # Not signals, nor what newer timeouts raise.
    FAILURES = [StandardError, ScriptError, NoMemoryError, SecurityError, SystemStackError].freeze
    private_constant :COMPLETED, :ABORTED, :FAILURES, :PATIENCE

    # @param answers [Answers]
    # @param asking [Asking]
    # @param what [String] deployment or build
    def initialize(answers, asking, what = 'deployment')
      @answers = answers
      @asking = asking
      @what = what
    end

    # @param body [Proc]
    # @yieldreturn [Span] from the asking
    # @return [Object] what the body gives
    def run(body, &ask)
      value = attempt(body, &ask)
      has_succeeded = true
      raise EndError.new(@untold.result, value: value, what: @what) if @untold

      value
    ensure
      # Nothing hides why the deployment ended.
      hear if @untold && !has_succeeded
    end

    # @param error [Exception] what ended a body
    # @return [Hash] of {Span#end}
    def self.ending(error)
      status = status(error)
      known = { status: status }
      known[:error_class] = error.class.name unless status == 'completed'
      known[:timeout] = PATIENCE if status == 'aborted'
      known[:exit_code] = error.status if error.is_a?(SystemExit)
      known[:signal] = Signal.signame(error.signo) if error.is_a?(SignalException)
      known.compact
    end

    def self.status(error)
      return error.success? ? 'completed' : 'failed' if error.is_a?(SystemExit)

      is_failure = FAILURES.any? { |type| error.is_a?(type) } && !error.is_a?(InterruptedError)
      is_failure ? 'failed' : 'aborted'
    end
    private_class_method :status

    private

    def attempt(body)
      span = yield
      renewal = Renewal.new(span, &@answers.method(:warning))
      value = body.call(span)
      @ending = COMPLETED
      value
    rescue Exception => e # rubocop:disable Lint/RescueException
      # What comes after the body does not change what it was.
      @ending ||= Scope.ending(e)
      raise
    ensure
      stop_and_finish(renewal)
    end

    # Another exception may come at any moment; the first thing that it can come at is inside.
    def stop_and_finish(renewal)
      @ending ||= ABORTED
      renewal&.stop
    ensure
      @untold = finish
    end

    # Has the end told, and gives the error if it cannot be. A second exception ends the waiting, not
    # the telling, which begins in any case.
    def finish
      tell
    ensure
      tell unless @asking.handle.nil? || @asking.handle.ending?
    end

    def tell
      # A child that was forked in the body leaves it as well, and has nothing to end.
      @asking.handle.end(@ending || ABORTED) if @asking.handle&.of_this_process?
      nil
    rescue Error => e
      e
    end

    def hear
      @answers.warning("that the #{@what} is #{@ending[:status]} could not be told: #{@untold.message}")
    end
  end
end
