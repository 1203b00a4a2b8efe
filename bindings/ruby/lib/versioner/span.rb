# frozen_string_literal: true

module Versioner
  # One deployment or build from its start to its end. {Client#deployment} and {Client#build} are the
  # forms that most programs want: they end it whatever happens. A span is for what begins in one place
  # and ends in another.
  #
  # Any thread may use it, in a +trap+ too, and after {Client#close}. The first end counts. It belongs
  # to the process that began or resumed it: a forked child can neither end it nor let go of it. One
  # that is lost without an end, and that was not saved, sends nothing, because nobody knows whether
  # the deployment went well: that is a warning, and the outbox, if there is one, keeps +aborted+.
  class Span
    # @return [Result, nil] how its start ended; nil if this object did not ask for it
    attr_reader :started

    # @return [Numeric, nil] seconds that it stays in progress after the last sign of life, if given
    attr_reader :lease

    # Made by {Client}.
    #
    # @api private
    def initialize(handle, started, lease)
      @handle = handle
      @started = started
      @lease = lease
      ObjectSpace.define_finalizer(self, Span.finaliser(handle))
    end

    # Does not hold the span.
    #
    # @api private
    def self.finaliser(handle)
      proc { handle.lose }
    end

    # @return [String] a UUID, the idempotency key of its start
    def id
      @handle.id
    end

    # Tells how the deployment or build ended. The first end counts; a later one gives the result of the first,
    # or tells it again if it could not be told. A service that rejects the end is asked once more
    # after 5 s, if there is time. What happened has happened, whatever is raised. An exception from
    # outside (+Interrupt+, +Timeout+) ends the waiting, not the telling.
    #
    # @param status [String, Symbol] completed, failed or aborted, or an alias such as success
    # @param error_class [String, Class, nil] the class of the error that ended it, never its message
    # @param exit_code [Integer, nil] the exit code of what was run
    # @param signal [String, Symbol, nil] the signal that ended what was run, such as TERM
    # @param extra_metadata [Hash, String, nil] an object of your own, over that of the start
    # @param timeout [Numeric, nil] seconds that the telling may take, in place of +total_timeout+
    # @return [Result]
    # @raise [Error]
    # rubocop:disable Metrics/ParameterLists -- they are keywords
    def end(status, error_class: nil, exit_code: nil, signal: nil, extra_metadata: nil, timeout: nil)
      @handle.end(status: status, error_class: error_class&.to_s, exit_code: exit_code, signal: signal,
                  extra_metadata: extra_metadata, timeout: timeout)
    end
    # rubocop:enable Metrics/ParameterLists

    # Says that the deployment goes on, so that the service does not take it for lost: for another
    # +lease+, or for as long as the service has it. {Client#deployment} does so unasked. Call it every
    # third of the lease, or every hour without one. Of a service that offers no such thing it asks
    # nothing.
    #
    # @return [nil]
    # @raise [Error] if it cannot be said, or the service has ended the deployment
    def renew
      @handle.renew
      nil
    end

    # Everything about it as one line of JSON without the API key, which {Client#resume} takes.
    # Whoever keeps it goes on with the deployment: {#close} then tells nothing. To survive a crash at
    # any moment, save before asking ({Client#prepare}) and after each change.
    #
    # @return [String]
    def save
      @handle.save
    end

    # Lets go of it: one that has not ended, and that nobody saved as it is, is told +aborted+, once
    # and within 5 s. Closing again does nothing.
    #
    # @return [nil]
    def close
      @handle.let_go
      nil
    end

    # @return [Boolean]
    def closed?
      @handle.let_go?
    end

    # @return [String]
    def inspect
      "#<#{[self.class, id, ('closed' if closed?)].compact.join(' ')}>"
    end
    alias to_s inspect
  end
end
