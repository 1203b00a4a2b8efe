# frozen_string_literal: true

module Versioner
  # What every exception of this library is: +rescue Versioner::Error+ catches all of them. What is
  # known about it is in {#result}.
  #
  # A module, so that {ArgumentError} is Ruby's own ArgumentError too, and {LibraryError} a LoadError.
  #
  # Tests can make them as Ruby makes any:
  #   raise Versioner::RejectedError, 'not today'
  #   raise Versioner::RejectedError.new('not today', rule: 'Freeze', retry_after: '2026-01-31T16:04:05Z')
  module Error
    # @return [Result] how the call ended
    attr_reader :result

    # @return [InternalError] so that a test can <tt>raise Versioner::Error, 'what happened'</tt>
    def self.exception(*arguments)
      InternalError.new(*arguments)
    end

    # @param about [Result, String, nil] how the call ended, or just what went wrong
    # @param values [Hash] with a text: more values of the {Result}
    def initialize(about = nil, **values)
      if about.is_a?(Result)
        @result = about
      else
        message = about.to_s
        @result = Result.of(**self.class::ENDS_WITH, message: message, text: message, **values)
      end
      super(about.nil? ? nil : @result.message)
    end

    # @!method code
    #   @return [Integer] 1, 4 or 5: the exit code of the command line for this
    # @!method kind
    #   @return [Symbol] the finer reason, such as +:timeout+ or +:flow_violation+
    # @!method argument
    #   @return [String] the argument or setting at fault; else empty
    # @!method http_status
    #   @return [Integer] the HTTP status of the last answer; 0 if there was none
    # @!method attempts
    #   @return [Integer] how often the event was sent
    # @!method rule
    #   @return [String] name of the rule that rejects; else empty
    # @!method policy_code
    #   @return [String] the service's code of a rejection, such as +FLOW_VIOLATION+; else empty
    # @!method retry_after
    #   @return [String] when to try again (RFC 3339), if the service says so; else empty
    # @!method details
    #   @return [Hash, nil] further facts about a rejection
    # @!method text
    #   @return [String] the block that the command line prints for people
    %i[code kind argument http_status attempts rule policy_code retry_after details text].each do |name|
      define_method(name) { result.public_send(name) }
    end
  end

  # Policy forbids it (code 5): the deployment must not happen.
  class RejectedError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:rejected], kind: :rejected }.freeze
  end

  # The service answered, neither with success nor with a rejection (code 4).
  class APIError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:api_error], kind: :http }.freeze
  end

  # An argument is missing, unknown or malformed; nothing was sent.
  class ArgumentError < ::ArgumentError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :invalid_argument }.freeze
  end

  # A setting or file is missing or unusable; nothing was sent.
  class ConfigError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :config }.freeze
  end

  # The service could not be reached.
  class NetworkError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :network }.freeze
  end

  # The service did not answer in time.
  class TimeoutError < NetworkError
    ENDS_WITH = { code: Header::CODES[:error], kind: :timeout }.freeze
  end

  # The connection could not be secured.
  class TLSError < NetworkError
    ENDS_WITH = { code: Header::CODES[:error], kind: :tls }.freeze
  end

  # A deployment succeeded, and this could not be recorded: the service could not be reached, or
  # refused to record it. The deployment took place: do not repeat it for this, and do not roll it back.
  class EndError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :network }.freeze

    # @return [Object, nil] what the block gave
    attr_reader :value

    # @param about (see Error#initialize)
    # @param value [Object, nil]
    # @param what [String] that succeeded: deployment or build
    def initialize(about = nil, value: nil, what: 'deployment', **values)
      super(about.is_a?(Result) ? self.class.send(:about, about, what) : about, **values)
      @value = value
    end

    # What took place comes first.
    def self.about(result, what)
      message = "the #{what} succeeded, but this is not recorded: #{result.message}"
      result.dup.tap { |told| told.message = told.text = message }.freeze
    end
    private_class_method :about
  end

  # The call was cancelled; the event may or may not be recorded.
  class InterruptedError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :interrupted }.freeze
  end

  # A fault of the library.
  class InternalError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :internal }.freeze
  end

  # The client is closed; nothing was sent.
  class ClosedError < StandardError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :invalid_argument }.freeze
  end

  # The C library cannot be found, is none of ours, or is of another version.
  class LibraryError < ::LoadError
    include Error
    ENDS_WITH = { code: Header::CODES[:error], kind: :config }.freeze
  end

  # Reopened, because it makes the classes that come after it.
  module Error
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
