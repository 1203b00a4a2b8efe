# frozen_string_literal: true

module Versioner
  # Turns what the C library answers into a result or an exception, and lets its warnings be heard.
  class Answers
    WARNING = Header::LOG_LEVELS.key(:warning)
    private_constant :WARNING

    # @param log [Log, nil]
    def initialize(log)
      @log = log
    end

    # @return [Proc] what a {Call} tells its messages
    def listener
      log = @log
      proc { |level, message| log&.tell(level, message) }
    end

    # @param json [String] of a result
    # @return [Result]
    # @raise [Error]
    def result(json)
      result = Result.parse(json)
      # A logger has heard them.
      result.warnings.each { |warning| warning(warning.message) } unless @log
      raise Error.of(result) unless result.code == Header::CODES[:ok]

      result
    end

    # For a finaliser: a span that nobody ended. The C library has told the logger, if there is one.
    def lost(span_id)
      @log ? @log.catch_up : warning("a span was lost without an end: #{span_id}")
    end

    # Something that somebody should know.
    def warning(message)
      return @log.tell(WARNING, message) if @log

      warn("versioner: #{message.tr("\n", ' ')}")
    end
  end
end
