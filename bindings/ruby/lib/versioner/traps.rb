# frozen_string_literal: true

module Versioner
  # Knows what `exit` was called in a `trap`: a program that a signal ends was interrupted, whatever
  # code it ends with. JRuby does not tell.
  class Traps
    def initialize
      @thread = Thread.current
      return unless RUBY_ENGINE == 'ruby'

      @point = TracePoint.new(:raise) { |point| look(point.raised_exception) }
    end

    # Runs a block, and looks at what is raised meanwhile.
    def watch(&block)
      @point ? @point.enable(&block) : yield
    end

    # @param error [Exception]
    # @return [Boolean] whether a `trap` raised it by `exit`
    def raised?(error)
      error.equal?(@raised)
    end

    private

    def look(error)
      @raised = error if error.is_a?(SystemExit) && Thread.current.equal?(@thread) && inside?
    end

    # No lock can be taken in one.
    def inside?
      Mutex.new.synchronize { false }
    rescue ThreadError
      true
    end
  end
end
