# frozen_string_literal: true

require 'time'

module Versioner
  # Tells the service about builds and deployments. It keeps connections open: make one and use it
  # for all events, from any number of threads, and after +fork+ in the child too.
  #
  # @example
  #   client = Versioner::Client.new
  #   client.track_deployment(product: 'api', environment: 'production', version: '1.2.3',
  #                           status: 'started') # raises RejectedError: do not deploy
  class Client
    TEXT_OPTIONS = %i[api_key api_url ui_url config ca_file client_cert client_key].freeze
    SECONDS = %i[retry_pause attempt_timeout total_timeout].freeze
    KNOWN_OPTIONS = (TEXT_OPTIONS + SECONDS + %i[fail_on_api_error max_retries environment logger]).freeze
    OWN_MEMBERS = %i[struct_size cancel_flag].freeze
    private_constant :TEXT_OPTIONS, :SECONDS, :KNOWN_OPTIONS, :OWN_MEMBERS

    # What is not given is taken from the +VERSIONER_*+ variable of the same name, then from the
    # configuration file, then from the default.
    #
    # @param options [Hash]
    # @option options [String] :api_key the API key; it appears in no output
    # @option options [String] :api_url base URL of the service
    # @option options [String] :ui_url base URL of the web interface, for links
    # @option options [String] :config path of the configuration file, which must exist
    # @option options [Boolean] :fail_on_api_error (true) whether an event that could not be recorded
    #   is an error; with false see {Result#recorded?}
    # @option options [Integer] :max_retries (3) attempts after the first
    # @option options [Numeric] :retry_pause (1) seconds before the first retry
    # @option options [Numeric] :attempt_timeout (30) seconds for one attempt
    # @option options [Numeric] :total_timeout (120) seconds for all attempts and pauses
    # @option options [String] :ca_file PEM file of the only certificate authorities to trust
    # @option options [String] :client_cert PEM file of a client certificate
    # @option options [String] :client_key PEM file of its key
    # @option options [Hash{String => String}] :environment (ENV) variables for detection,
    #   configuration and proxies
    # @option options [::Logger] :logger receives warnings and debug messages
    # @raise [ConfigError] for a missing API key or an unusable setting
    # @raise [::ArgumentError] for an unknown option, or a value of the wrong sort
    def initialize(**options)
      known(options, KNOWN_OPTIONS)
      @api_url = options[:api_url]
      @log = log_to(options[:logger])
      @mutex = Mutex.new
      @idle = ConditionVariable.new
      @calls = 0
      @pointer = make(options)
    end

    # Tells that something was built. Returns once it is recorded or cannot be, after all retries.
    # +Interrupt+, +Timeout+ and +Thread#kill+ end the call.
    #
    # @param fields [Hash] all but product and version may be left out, those too where they are
    #   detected
    # @option fields [String] :product
    # @option fields [String] :version
    # @option fields [String] :status (completed) pending, started, completed, failed or aborted
    # @option fields [String] :source_system
    # @option fields [String] :build_number
    # @option fields [String] :scm_sha
    # @option fields [String] :scm_branch
    # @option fields [String] :scm_repository
    # @option fields [String] :build_url
    # @option fields [String] :invoke_id
    # @option fields [String] :built_by
    # @option fields [String] :built_by_email
    # @option fields [String] :built_by_name
    # @option fields [Time, String] :started_at
    # @option fields [Time, String] :completed_at
    # @option fields [Hash, String] :extra_metadata an object of your own, or its JSON text
    # @return [Result]
    # @raise [Error]
    def track_build(**fields)
      track(:versioner_track_build, Library::BuildEvent, Header::BUILD_EVENT, fields)
    end

    # Tells that something is deployed. With status +started+ it is checked against policy first: on
    # a {RejectedError} the deployment must not happen.
    #
    # @param fields [Hash] those of {#track_build}, with +deployed_by+, +deployed_by_email+ and
    #   +deployed_by_name+ in place of +built_by+ and the like, without +started_at+, and:
    # @option fields [String] :environment
    # @option fields [String] :deploy_url link to the run that deploys
    # @option fields [Boolean] :skip_preflight_checks deprecated
    # @return [Result]
    # @raise [Error]
    def track_deployment(**fields)
      track(:versioner_track_deployment, Library::DeploymentEvent, Header::DEPLOYMENT_EVENT, fields)
    end

    # Ends every call in progress with {InterruptedError}; later calls are not touched.
    def cancel
      in_progress { |pointer| Library.versioner_client_cancel(pointer) }
      nil
    end

    # Frees the client once the calls in progress have ended. Closing again does nothing.
    def close
      @mutex.synchronize do
        @idle.wait(@mutex) until @calls.zero?
        @pointer&.free
        @pointer = nil
      end
      nil
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{@api_url}>"
    end
    alias to_s inspect

    private

    def known(given, known)
      unknown = given.keys - known
      raise ::ArgumentError, "unknown keywords: #{unknown.join(', ')}" unless unknown.empty?
    end

    def make(given)
      arena = Arena.new
      client = arena.keep(FFI::MemoryPointer.new(:pointer))
      result = arena.keep(FFI::MemoryPointer.new(:pointer))
      code = Library.versioner_client_new(settings(arena, given), client, result)
      raise Error.of(Library.take(result.read_pointer)) unless code == Header::CODES[:ok]

      FFI::AutoPointer.new(client.read_pointer, Library.method(:versioner_client_free))
    end

    def settings(arena, given)
      options = arena.fill(Library::Options.new, given.slice(*TEXT_OPTIONS).merge(surface: 'ruby'))
      options[:fail_on_api_error] = choice(:fail_on_api_error, given[:fail_on_api_error])
      options[:max_retries] = retries(given[:max_retries])
      SECONDS.each { |name| options[:"#{name}_ms"] = milliseconds(name, given[name]) }
      options[:environment] = arena.environment(given.fetch(:environment, ENV).to_h)
      options[:log] = @log if @log
      options
    end

    def track(function, struct, members, fields)
      known(fields, members.keys - OWN_MEMBERS)
      arena = Arena.new
      event = arena.fill(struct.new, texts(fields))
      if fields.key?(:skip_preflight_checks)
        event[:skip_preflight_checks] = choice(:skip_preflight_checks, fields[:skip_preflight_checks])
      end
      flag = event[:cancel_flag] = arena.flag
      result = in_progress { |pointer| call(function, pointer, event, flag) }
      raise Error.of(result) unless result.code == Header::CODES[:ok]

      result
    end

    # The call blocks a thread of its own, because Ruby cannot interrupt one that is in C: where this
    # one is interrupted, the flag ends the call.
    def call(function, client, event, flag)
      place = FFI::MemoryPointer.new(:pointer)
      thread = Thread.new { Library.public_send(function, client, event, place) }
      thread.report_on_exception = false
      thread.join
      Library.take(place.read_pointer)
    ensure
      if thread&.alive?
        flag.write_int32(1)
        thread.join
        Library.versioner_result_free(place.read_pointer)
      end
    end

    def in_progress
      pointer = @mutex.synchronize do
        raise ClosedError, 'the client is closed' unless @pointer

        @calls += 1
        @pointer
      end
      begin
        yield pointer
      ensure
        @mutex.synchronize do
          @calls -= 1
          @idle.signal
        end
      end
    end

    def texts(fields)
      fields.reject { |name, _| name == :skip_preflight_checks }.to_h do |name, value|
        value = Metadata.json(value) if name == :extra_metadata && !value.nil?
        value = value.iso8601(6) if value.respond_to?(:iso8601)
        [name, value]
      end
    end

    def choice(name, value)
      case value
      when nil then Header::UNSET
      when true then Header::YES
      when false then Header::NO
      else raise ::ArgumentError, "#{name} must be true or false, but is #{value.inspect}"
      end
    end

    def retries(count)
      case count
      when nil then 0
      when 0 then Header::NO_RETRIES
      when 1..0x7fffffff then Integer(count)
      else raise ::ArgumentError, "max_retries must be a count, but is #{count.inspect}"
      end
    end

    # Rounded up, because 0 means unset.
    def milliseconds(name, seconds)
      return 0 if seconds.nil?
      return [(seconds * 1000).ceil, 1].max if seconds.is_a?(Numeric) && seconds >= 0

      raise ::ArgumentError, "#{name} must be seconds, but is #{seconds.inspect}"
    end

    def log_to(logger)
      return unless logger

      FFI::Function.new(:void, %i[int32 pointer pointer]) do |level, message, _|
        text = message.read_string.force_encoding(Encoding::UTF_8)
        severity = { warning: :warn }.fetch(Header::LOG_LEVELS[level], Header::LOG_LEVELS[level])
        logger.public_send(severity, text)
      rescue StandardError
        # A logger's own fault must not unwind through the C library.
        nil
      end
    end
  end
end
