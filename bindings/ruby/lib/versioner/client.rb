# frozen_string_literal: true

module Versioner
  # Tells the service about builds and deployments. It keeps connections open: make one and use it
  # for all events, from any number of threads, and after +fork+ in the child too.
  #
  # @example
  #   Versioner::Client.open do |client|
  #     client.deployment(product: 'api', environment: 'production', version: '1.2.3') do
  #       deploy # not reached if it is rejected, or if nobody could be asked
  #     end
  #   end
  class Client
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
    # @option options [String, Pathname] :outbox (none) directory that keeps an event which best effort
    #   could not deliver, and the end of a span which could not be told, until a later event delivers
    #   them; made if it is missing. The status of such a result is +queued+. What is kept is lost if the
    #   disk is
    # @option options [Hash{String => String}] :environment (ENV) variables for detection,
    #   configuration and proxies
    # @option options [#warn, #info, #debug] :logger receives warnings and debug messages, such as a
    #   Logger; called on the thread that tracks, and its own faults lose no event. Default: each
    #   warning of a result is a line of +Kernel#warn+, and other messages are dropped
    # @raise [ConfigError] for a missing API key or an unusable setting
    # @raise [ArgumentError] for an unknown option, or a value of the wrong sort
    def initialize(options = nil, **keywords)
      given = Keywords.of(options, keywords)
      Settings.check_logger(given[:logger])
      log = Log.new(given[:logger]) if given[:logger]
      @answers = Answers.new(log)
      @callback = log&.callback
      @workers = make(given, log)
      @url = url(given)
      ObjectSpace.define_finalizer(self, @workers.stopper)
    end

    # Makes a client for a block, and closes it after that.
    #
    # @param (see #initialize)
    # @yieldparam client [Client]
    # @return [Object] what the block gives; without a block, the client
    def self.open(options = nil, **keywords)
      client = new(options, **keywords)
      return client unless block_given?

      begin
        yield client
      ensure
        client.close
      end
    end

    # Tells that something was built. Returns once it is recorded or cannot be, after all retries.
    # +Interrupt+, +Timeout+ and +Thread#kill+ end the call.
    #
    # A field that is nil is unset; a product, environment, version or status that is blank is an
    # error, because it must not be taken from elsewhere by mistake. Text is a String or Symbol of any
    # encoding; other fields than the version take an Integer too.
    #
    # @param fields [Hash] as keywords, or as a hash with text or symbols for names; all but product
    #   and version may be left out, those too if they are detected
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
    # @option fields [Time, DateTime, String] :started_at text is RFC 3339 with a zone
    # @option fields [Time, DateTime, String] :completed_at
    # @option fields [Hash, String] :extra_metadata an object of your own, or its JSON text; at most
    #   102,400 bytes
    # @option fields [Numeric] :timeout (that of the client) seconds that this call may take with all
    #   its attempts and pauses, in place of +total_timeout+; at least 0.001
    # @option fields [Boolean] :allow_literal (false) sends product, environment and version as they
    #   are, even if one looks like a placeholder that nobody replaced
    # @option fields [String] :idempotency_key (a new one) makes two calls one event, such as a CI's
    #   retry of a step
    # @return [Result]
    # @raise [Error] {ArgumentError}, {NetworkError}, {APIError}, {RejectedError},
    #   {InterruptedError}, {ClosedError}
    def track_build(fields = nil, **keywords)
      track(:versioner_track_build, Library::BuildEvent, Keywords.of(fields, keywords))
    end

    # Tells that something is deployed. With status +started+ it is checked against policy first: on
    # a {RejectedError} the deployment must not happen. {#deployment} does more: it ends what it
    # starts, whatever happens.
    #
    # @param fields [Hash] those of {#track_build}, with +deployed_by+, +deployed_by_email+ and
    #   +deployed_by_name+ in place of +built_by+ and the like, without +started_at+, and:
    # @option fields [String] :environment
    # @option fields [String] :deploy_url link to the run that deploys
    # @option fields [Boolean] :skip_preflight_checks deprecated
    # @option fields [String] :skip_reason why the checks are skipped, kept with the event; without
    #   one, a warning asks for it
    # @option fields [String] :part which of several legs of one run this is, such as a region of a
    #   matrix, in at most 64 characters: together they are one deployment
    # @option fields [Numeric] :wait (0) seconds that a start waits for its gate, if a window, a soak
    #   time, an approval or another deployment keeps it closed. A service that cannot be reached is asked
    #   again until then, in best-effort mode too; +timeout+ is then of each asking. What it has come to is
    #   told to the logger at +info+, once for each change.
    # @option fields [String] :wait_for +flow+ waits for the environments that come first, too
    # @option fields [String] :wait_superseded (stop) what to do if another version was started there
    #   meanwhile: +stop+ ends the wait with a {RejectedError} of kind +:superseded+, so that an older
    #   version does not go out last by luck; +go+ waits on
    # @return [Result]
    # @raise (see #track_build)
    def track_deployment(fields = nil, **keywords)
      track(:versioner_track_deployment, Library::DeploymentEvent, Keywords.of(fields, keywords))
    end

    # Asks whether a deployment may start, and records nothing. Its status is taken for +started+,
    # whatever is said, and no check is skipped. Best effort softens nothing. Needs versioner-server.
    #
    # @param fields (see #track_deployment)
    # @return [Result] of which {Result#data} has every rule's verdict
    # @raise [RejectedError] if a rule forbids it
    # @raise [Error] if there is no clear answer
    def check_deployment(fields = nil, **keywords)
      track(:versioner_check_deployment, Library::DeploymentEvent, Keywords.of(fields, keywords))
    end

    # Reads what the service knows. Best effort softens nothing. Needs versioner-server and a key with
    # the scope +read+.
    #
    # @param path [String] below the API URL, such as +deployments/+
    # @param query [Hash] names and values of parameters, such as <tt>{ product: 'api', limit: 10 }</tt>
    # @param timeout [Numeric, nil] seconds, in place of +total_timeout+
    # @return [Result] of which {Result#data} is the JSON of the answer
    # @raise [Error] never a {RejectedError}
    def read(path, query = {}, timeout: nil)
      arena = Arena.new
      question = Fields.question(arena, timeout, path: path)
      question[:query] = Fields.query(query, arena)
      ask(:versioner_read, question, arena)
    end

    # Reads what runs where.
    #
    # @param product [String, nil] only this one
    # @param timeout (see #read)
    # @return [Result] of which {Result#data} has +products+, each with its +environments+
    # @raise (see #read)
    def state(product: nil, timeout: nil)
      arena = Arena.new
      ask(:versioner_state, Fields.question(arena, timeout, product: product), arena)
    end

    # The version whose deployment to an environment was the last that completed. What is nil is taken
    # from +VERSIONER_*+ variables, the configuration file and the CI system.
    #
    # @param product [String, nil]
    # @param environment [String, nil]
    # @param timeout (see #read)
    # @return [Result] of which {Result#version} is the version
    # @raise [APIError] of kind +:not_deployed+ if nothing is deployed there or a name is not known; the
    #   message says which
    # @raise (see #read)
    def deployed_version(product: nil, environment: nil, timeout: nil)
      arena = Arena.new
      question = Fields.question(arena, timeout, product: product, environment: environment)
      ask(:versioner_deployed_version, question, arena)
    end

    # What {#track_build} would send, and where each value comes from. Sends nothing.
    #
    # @param fields (see #track_build)
    # @return [Hash{String => Object}] method, url, headers and body of the request, and the lists
    #   values and settings of field, value and source
    # @raise [ArgumentError]
    def explain_build(fields = nil, **keywords)
      track(:versioner_explain_build, Library::BuildEvent, Keywords.of(fields, keywords)).data
    end

    # What {#track_deployment} would send; see {#explain_build}. Policy is not asked.
    #
    # @param fields (see #track_deployment)
    # @return (see #explain_build)
    # @raise (see #explain_build)
    def explain_deployment(fields = nil, **keywords)
      track(:versioner_explain_deployment, Library::DeploymentEvent, Keywords.of(fields, keywords)).data
    end

    # Ends every call in progress with {InterruptedError}; later calls are not touched. May be called
    # from any thread and in a trap handler.
    def cancel
      @workers.cancel
    end

    # Refuses calls from now on ({ClosedError}), ends those in progress ({InterruptedError}), and
    # returns when they have ended. Closing again does nothing. May be called from any thread, by
    # several at once, in a trap handler, and in a forked child.
    def close
      @workers.close
    end

    # @return [Boolean]
    def closed?
      @workers.closed?
    end

    # @return [String]
    def inspect
      "#<#{[self.class, @url, ('closed' if closed?)].compact.join(' ')}>"
    end
    alias to_s inspect

    private

    # What is known of it here: the configuration file may name it too.
    def url(given)
      url = given[:api_url] || Settings.environment(given)['VERSIONER_API_URL']
      Text.utf8(:api_url, url).gsub(%r{(?<=//)[^/@]*@}, '') unless url.to_s.empty?
    end

    def make(given, log)
      arena = Arena.new
      settings = Settings.struct(given, arena)
      settings[:log] = @callback
      # An exception that came in between would unwind through the C library, or lose the client.
      client, json = Thread.handle_interrupt(Object => :never) { create(settings, arena) }
      log&.catch_up
      raise Error.of(Result.parse(json)) if json

      Workers.new(client, @callback)
    end

    # @return [Array] the C client, or nil and the JSON of why there is none
    def create(settings, arena)
      client = arena.pointer
      result = arena.pointer
      code = Library.versioner_client_new(settings, client, result)
      return [nil, Library.take(result.read_pointer)] unless code == Header::CODES[:ok]

      [FFI::AutoPointer.new(client.read_pointer, Library.method(:versioner_client_free)), nil]
    end

    def track(function, struct, fields)
      arena = Arena.new
      ask(function, Fields.struct(struct, fields, arena), arena)
    end

    def ask(function, struct, arena)
      make_call(Call.to(function, struct, arena))
    end

    # @return [Result]
    def make_call(call)
      @answers.result(@workers.make(call, &@answers.listener))
    end
  end
end
