# frozen_string_literal: true

# A case of several calls on one client.
class Steps
  def initialize(client, event)
    @client = client
    @suffix = event == 'build' ? '_build' : ''
  end

  # @return [Array] a result for each step, nil for one that has none
  def perform(steps)
    results = steps.map { |step| result(step.transform_keys(&:to_sym)) }
    leave
    results
  end

  private

  def result(step)
    case step[:do]
    when 'begin' then keep(@client.public_send("begin#{@suffix}", fields(step)))
    when 'track' then @client.track_deployment(fields(step)).to_h
    when 'prepare' then keep(@client.public_send("prepare#{@suffix}", fields(step)))
    when 'resume' then keep(@client.resume(@saved))
    when 'end' then @span.end(step[:status], **step.slice(:error_class, :exit_code, :signal, :extra_metadata)).to_h
    else
      other(step[:do])
      nil
    end
  rescue Versioner::Error => e
    e.result.to_h
  end

  def other(step)
    case step
    when 'save' then @saved = @span.save
    when 'free'
      @span.close
      @span = nil
    else raise "no step #{step}"
    end
  end

  def fields(step)
    step[:fields].merge(step.slice(:part, :lease, :wait, :wait_for, :wait_superseded).transform_keys(&:to_s))
  end

  # Goes on with a span; gives how it started.
  def keep(span)
    leave
    @span = span
    span.started&.to_h
  end

  # Leaves the span behind, as if its process were gone.
  def leave
    @span&.save
    @span&.close
  end
end
