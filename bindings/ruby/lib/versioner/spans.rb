# frozen_string_literal: true

module Versioner
  # A deployment or build from its start to its end.
  class Client
    # Asks whether a deployment may begin, runs the block if it may, and tells how it ended:
    #
    # - +completed+ if the block comes to its end or is left by +next+, or +exit+ with success,
    # - +failed+ for an exception, and for +exit+ with another code,
    # - +aborted+ for an interruption: +Interrupt+ and other signals, Thread#kill, {InterruptedError},
    #   a +Timeout+ around it, and +break+, +return+ and +throw+, because nobody said that it succeeded.
    #
    # The exception always goes on. While the block runs, the service is told that the deployment goes
    # on. Nothing tells the end of a process that is ended without being asked (+exit!+, +kill -9+);
    # a +lease+ limits how long that lasts.
    #
    # @example
    #   client.deployment(product: 'api', environment: 'production', version: '1.2.3') { deploy }
    #
    # @param fields [Hash] those of {#track_deployment} but status and idempotency_key, and:
    # @option fields [Numeric] :lease (as long as the service says) seconds, from 1 to 86,400, that it
    #   stays in progress after the last sign of life
    # @yieldparam span [Span]
    # @return [Object] what the block gives
    # @raise [EndError] if the block succeeded and this could not be recorded. That a failure could
    #   not be told is a warning.
    # @raise [Error] as {#begin}: then the block has not run
    def deployment(fields = nil, **keywords, &body)
      raise ArgumentError.new('a deployment needs a block: begin is without one', argument: 'block') unless body

      fields = Keywords.of(fields, keywords)
      asking = Asking.new(@answers, @callback)
      Scope.new(@answers, asking).run(body) { start(asking, Library::DeploymentEvent, fields) }
    end

    # {#deployment} for a build: tells that it begins, runs the block, and tells how it ended.
    #
    # @example
    #   client.build(product: 'api', version: '1.2.3') { system('make', exception: true) }
    #
    # @param fields [Hash] those of {#track_build} but status and idempotency_key
    # @yieldparam span [Span]
    # @return [Object] what the block gives
    # @raise [EndError] (see #deployment)
    # @raise [RejectedError] if the version was built of other code before; the block has not run
    # @raise [Error] as {#begin_build}: then the block has not run
    def build(fields = nil, **keywords, &body)
      raise ArgumentError.new('a build needs a block: begin_build is without one', argument: 'block') unless body

      fields = Keywords.of(fields, keywords)
      asking = Asking.new(@answers, @callback)
      Scope.new(@answers, asking, 'build').run(body) { start(asking, Library::BuildEvent, fields) }
    end

    # Asks whether a deployment may begin, and begins it.
    #
    # On an error it must not happen. If nobody knows whether the start was recorded (an exception from
    # outside, time over, connection lost), +aborted+ was told for it, within 5 s, whatever ended the
    # call.
    #
    # @param fields (see #deployment)
    # @return [Span]
    # @raise [Error] those of {#track_deployment}
    def begin(fields = nil, **keywords)
      begun(Library::DeploymentEvent, Keywords.of(fields, keywords))
    end

    # {#begin} for a build.
    #
    # @param fields (see #build)
    # @return [Span]
    # @raise [Error] those of {#track_build}
    def begin_build(fields = nil, **keywords)
      begun(Library::BuildEvent, Keywords.of(fields, keywords))
    end

    # Makes a span that is not asked for yet, and sends nothing: a program that saves it first can die
    # while it asks, because {#resume} asks with what was saved.
    #
    # @param fields (see #deployment)
    # @return [Span]
    # @raise [ArgumentError]
    def prepare(fields = nil, **keywords)
      prepared(Library::DeploymentEvent, Keywords.of(fields, keywords))
    end

    # {#prepare} for a build.
    #
    # @param fields (see #build)
    # @return [Span]
    # @raise [ArgumentError]
    def prepare_build(fields = nil, **keywords)
      prepared(Library::BuildEvent, Keywords.of(fields, keywords))
    end

    # Makes a span of what {Span#save} gave, in this process or another; it belongs to this process
    # from now on. One that was saved before it was allowed asks again: it is the same deployment.
    #
    # @param saved [String]
    # @return [Span]
    # @raise [ArgumentError] for a text that is none, or is of another service or account
    # @raise [Error] as {#begin}, if it asks
    def resume(saved)
      asking = Asking.new(@answers, @callback)
      span = make_span(asking, asking.resume(Text.utf8(:saved, Keywords.text(:saved, saved))), nil)
    ensure
      asking.let_go unless span
    end

    private

    def begun(struct, given)
      asking = Asking.new(@answers, @callback)
      span = start(asking, struct, given)
    ensure
      asking.let_go unless span
    end

    def start(asking, struct, given)
      arena = Arena.new
      make_span(asking, asking.begin(Fields.span(struct, given, arena), arena), given[:lease])
    end

    def prepared(struct, given)
      asking = Asking.new(@answers, @callback)
      arena = Arena.new
      make_span(asking, asking.prepare(Fields.span(struct, given, arena), arena), given[:lease])
    end

    def make_span(asking, call, lease)
      result = make_call(call)
      # Allowed, and cancelled at the same moment.
      raise InterruptedError, 'cancelled when it was allowed; aborted was told for it' unless asking.handle

      Span.new(asking.handle, (result unless result.attempts.zero?), lease)
    end
  end
end
