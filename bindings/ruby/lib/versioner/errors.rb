# frozen_string_literal: true

module Versioner
  # Every call that ended with another code than 0. What is known about it is in {#result}.
  class Error < StandardError
    # @return [Result] how the call ended
    attr_reader :result

    # @param result [Result]
    def initialize(result)
      @result = result
      super(result.message)
    end

    # @!method code
    #   @return [Integer] 1, 4 or 5: the exit code of the command line for this
    # @!method kind
    #   @return [Symbol] the finer reason, such as +:timeout+ or +:flow_violation+
    # @!method http_status
    #   @return [Integer] the HTTP status of the last answer; 0 where there was none
    # @!method attempts
    #   @return [Integer] how often the event was sent
    # @!method rule
    #   @return [String] name of the rule that rejects; else empty
    # @!method policy_code
    #   @return [String] the service's code of a rejection, such as +FLOW_VIOLATION+; else empty
    # @!method retry_after
    #   @return [String] when to try again (RFC 3339), where the service says so; else empty
    # @!method details
    #   @return [Hash, nil] further facts about a rejection
    # @!method text
    #   @return [String] the block that the command line prints for people
    %i[code kind http_status attempts rule policy_code retry_after details text].each do |name|
      define_method(name) { result.public_send(name) }
    end
  end

  # Policy forbids it (code 5): the deployment must not happen.
  class RejectedError < Error; end

  # The service answered, neither with success nor with a rejection (code 4).
  class APIError < Error; end

  # A value of the event is missing or malformed; nothing was sent.
  class ArgumentError < Error; end

  # A setting or file is missing or unusable; nothing was sent.
  class ConfigError < Error; end

  # The service could not be reached.
  class NetworkError < Error; end

  # The service did not answer in time.
  class TimeoutError < NetworkError; end

  # The connection could not be secured.
  class TLSError < NetworkError; end

  # The call was cancelled; the event may or may not be recorded.
  class InterruptedError < Error; end

  # A fault of the library.
  class InternalError < Error; end

  # The C library cannot be found, or is of another version.
  class LibraryError < ::LoadError; end

  # The client is closed.
  class ClosedError < StandardError; end

  # Reopened, because it makes the classes that come after it.
  class Error
    BY_KIND = {
      invalid_argument: ArgumentError, config: ConfigError, network: NetworkError,
      timeout: TimeoutError, tls: TLSError, interrupted: InterruptedError
    }.freeze
    private_constant :BY_KIND

    # @param result [Result] of another code than 0
    # @return [Error] of the class that fits
    def self.of(result)
      case result.code
      when Header::CODES[:rejected] then RejectedError.new(result)
      when Header::CODES[:api_error] then APIError.new(result)
      else BY_KIND.fetch(result.kind, InternalError).new(result)
      end
    end
  end
end
