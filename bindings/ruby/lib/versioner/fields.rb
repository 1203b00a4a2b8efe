# frozen_string_literal: true

require 'time'

module Versioner
  # Turns the fields of an event into a struct of the C library.
  module Fields
    TIMES = %i[started_at completed_at].freeze
    # What a variable that nobody set must not choose. An empty path asks for nothing.
    NEVER_BLANK = %i[product environment version status].freeze
    BLANK = /\A[[:space:]\u{FEFF}]*\z/.freeze
    CHOICES = %i[skip_preflight_checks allow_literal].freeze
    # The least of each, in seconds; C has them in milliseconds.
    DURATIONS = { timeout: Keywords::SHORTEST, lease: Keywords::SHORTEST, wait: 0 }.freeze
    # Members that a caller does not set, or sets by another name.
    OWN = %i[struct_size cancel_flag timeout_ms lease_ms wait_ms reserved].freeze
    # What C has room for.
    EXIT_CODES = (-(2**31)...(2**31)).freeze
    private_constant :EXIT_CODES
    private_constant :TIMES, :NEVER_BLANK, :BLANK, :CHOICES, :DURATIONS, :OWN

    # @param struct [Class] of the C event
    # @param given [Hash{Symbol => Object}]
    # @param arena [Arena] holds what the struct points to
    # @return [FFI::Struct]
    # @raise [ArgumentError] for an unknown field, or a value of the wrong sort
    def self.struct(struct, given, arena)
      fill(struct.new, given, arena, known(struct) - [:lease])
    end

    # @return [FFI::Struct] an event with what only a span has
    def self.span(struct, given, arena)
      fill(struct.new, given, arena, known(struct))
    end

    # @return [FFI::Struct] the end of a span
    def self.ending(given, arena)
      code = given[:exit_code]
      raise Keywords.wrong(:exit_code, code, 'an exit code') unless code.nil? || EXIT_CODES.cover?(code)

      # Of a status that is blank the C library says which there are.
      rest = given.reject { |name, _| name == :exit_code }
      ending = fill(Library::Ending.new, rest, arena, rest.keys, never_blank: [])
      return ending unless code

      ending[:has_exit_code] = Header::YES
      ending[:exit_code] = code
      ending
    end

    def self.known(struct)
      struct.members - OWN + DURATIONS.keys.select { |name| struct.members.include?(:"#{name}_ms") }
    end
    private_class_method :known

    def self.fill(event, given, arena, known, never_blank: NEVER_BLANK)
      Keywords.check(given, known)
      event[:struct_size] = event.size
      given.compact.each do |name, value|
        if DURATIONS.key?(name)
          event[:"#{name}_ms"] = duration(name, value)
        elsif CHOICES.include?(name)
          event[name] = Keywords.choice(name, value)
        else
          event[name] = arena.text(name, filled(name, value, never_blank))
        end
      end
      event
    end
    private_class_method :fill

    def self.duration(name, value)
      # Not to wait is what C takes its 0 for.
      return 0 if [name, value] == [:wait, 0]

      Keywords.milliseconds(name, value, DURATIONS[name])
    end
    private_class_method :duration

    # @param arena [Arena] holds what the struct points to
    # @param names [Hash{Symbol => Object}] texts that may not be blank; nil is unset
    # @return [FFI::Struct] a question
    def self.question(arena, timeout, **names)
      question = Library::Question.new
      question[:struct_size] = question.size
      question[:timeout_ms] = Keywords.milliseconds(:timeout, timeout, Keywords::SHORTEST)
      names.compact.each { |name, value| question[name] = arena.text(name, filled(name, value)) }
      question
    end

    # @param query [Hash] names and values
    # @return [FFI::MemoryPointer] an array of NAME=VALUE, NULL after the last
    def self.query(query, arena)
      entries = query.map do |name, value|
        raise Keywords.wrong(name, value, 'text that is not nil') if value.nil?

        arena.text(name, "#{Text.utf8(:query, name.to_s)}=#{Text.utf8(name, word(name, value))}")
      end
      arena.texts(entries)
    end

    # @return [String] the text of a field, in UTF-8
    def self.filled(name, value, never_blank = NEVER_BLANK)
      text = Text.utf8(name, text(name, value))
      raise blank(name) if never_blank.include?(name) && text.match?(BLANK)

      text
    end
    private_class_method :filled

    def self.text(name, value)
      return Metadata.json(value) if name == :extra_metadata
      return time(name, value) if TIMES.include?(name)

      word(name, value)
    end
    private_class_method :text

    def self.blank(name)
      ArgumentError.new("#{name} is required if it is named, but is blank: give it a value, or leave it out",
                        argument: name.to_s)
    end
    private_class_method :blank

    def self.word(name, value)
      case value
      when String, Symbol then value.to_s
      when Integer
        # 1.10 would be 1.1, so a version is text from the start.
        raise Keywords.wrong(name, value, "text, such as '#{value}'") if name == :version

        value.to_s
      else raise Keywords.wrong(name, value, 'text')
      end
    end
    private_class_method :word

    def self.time(name, value)
      return value.to_s if value.is_a?(String)
      # A date alone is no moment. (A DateTime is a Date as well.)
      return moment(value.to_time).iso8601(6) if value.is_a?(Time) || value.is_a?(DateTime)

      raise Keywords.wrong(name, value, 'a Time, or text such as 2026-01-31T16:04:05Z')
    end
    private_class_method :time

    # RFC 3339 has no seconds in an offset, and +iso8601+ drops them.
    def self.moment(time)
      (time.utc_offset % 60).zero? ? time : time.getutc
    end
    private_class_method :moment
  end
end
