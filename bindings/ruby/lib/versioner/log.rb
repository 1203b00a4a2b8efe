# frozen_string_literal: true

require 'timeout'

module Versioner
  # Brings the messages of the C library to a logger, which runs on the threads that track, never
  # inside the C library: it may lock what its program holds, raise, and track itself.
  class Log
    SEVERITIES = Header::LOG_LEVELS.transform_values { |level| level == :warning ? :warn : level }.freeze
    private_constant :SEVERITIES

    # @param logger [#warn, #info, #debug]
    def initialize(logger)
      @logger = logger
      @early = []
      @failed = false
    end

    # @return [FFI::Function] the callback for the C library; to be kept as long as that may call it
    def callback
      early = @early
      FFI::Function.new(:void, %i[int32 pointer pointer]) do |level, message, _|
        text = message.read_string.force_encoding(Encoding::UTF_8)
        call = Call.current
        call ? call.log(level, text) : early << [level, text]
      end
    end

    # Tells the logger what came up while there was no call yet.
    def catch_up
      tell(*@early.shift) until @early.empty?
    end

    # A logger's own fault must not lose an event. It is told once.
    def tell(level, message)
      @logger.public_send(SEVERITIES.fetch(level, :debug), message)
    rescue StandardError => e
      # Somebody else's Timeout, which on JRuby looks like a fault of the logger.
      raise if e.instance_of?(Timeout::Error)

      warn("versioner: the logger failed: #{e.message} (#{e.class})") unless @failed
      @failed = true
    end
  end
end
