# frozen_string_literal: true

module Versioner
  # Says again and again that a span goes on, while its block runs.
  class Renewal
    # How often, in seconds, if it has no lease.
    HOURLY = 3600
    private_constant :HOURLY

    # @param span [Span]
    # @yieldparam warning [String] that it could not be said
    def initialize(span, &warned)
      @span = span
      @warned = warned
      # Two of three may be lost.
      every = span.lease ? span.lease / 3.0 : HOURLY
      @thread = Thread.new do
        loop do
          sleep(every)
          renew
        end
      end
      @thread.name = 'versioner-renew'
    end

    def stop
      @thread.kill
    end

    private

    def renew
      @span.renew
    rescue Error => e
      @warned.call("that the deployment goes on could not be said: #{e.message}")
    end
  end
end
