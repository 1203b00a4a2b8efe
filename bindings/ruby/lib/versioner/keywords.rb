# frozen_string_literal: true

module Versioner
  # What the keyword arguments of all methods have in common.
  module Keywords
    # 1 ms: in C, 0 means unset.
    SHORTEST = Rational(1, 1000)
    # The most milliseconds that C can be told.
    LONGEST = (2**64) - 1
    private_constant :LONGEST

    # @param options [Hash, nil] given as a hash, by whatever names
    # @param keywords [Hash] given as keywords
    # @return [Hash{Symbol => Object}]
    # @raise [ArgumentError] for what is no hash, and for a value that is given twice
    def self.of(options, keywords)
      return keywords if options.nil? && keywords.each_key.all?(Symbol)
      raise wrong('the argument', options, 'a hash of fields') unless options.nil? || options.is_a?(Hash)

      [*options, *keywords].each_with_object({}) do |(name, value), all|
        name = name.to_s.to_sym
        raise ArgumentError.new("#{name} is given twice", argument: name.to_s) if all.key?(name)

        all[name] = value
      end
    end

    # @raise [ArgumentError] if one is given that is not known
    def self.check(given, known)
      unknown = given.keys - known
      return if unknown.empty?

      raise ArgumentError.new("unknown keyword #{unknown.first.inspect}; known are #{known.join(', ')}",
                              argument: unknown.first.to_s)
    end

    # @return [String]
    # @raise [ArgumentError] for what is no text
    def self.text(name, value)
      value.is_a?(String) ? value : raise(wrong(name, value, 'text'))
    end

    # @return [Integer] what C is told of true, false and nil
    def self.choice(name, value)
      case value
      when nil then Header::UNSET
      when true then Header::YES
      when false then Header::NO
      else raise wrong(name, value, 'true or false')
      end
    end

    # @param seconds [Numeric, nil]
    # @return [Integer] rounded up, because 0 means unset
    def self.milliseconds(name, seconds, shortest)
      return 0 if seconds.nil?

      finite = seconds.is_a?(Numeric) && seconds.real? && seconds.finite?
      raise wrong(name, seconds, 'a number of seconds') unless finite
      raise wrong(name, seconds, "at least #{shortest.to_f} seconds") if seconds < shortest

      count = [(seconds * 1000).ceil, 1].max
      raise wrong(name, seconds, "at most #{LONGEST / 1000} seconds") if count > LONGEST

      count
    end

    # @return [ArgumentError] shows numbers and truth values only: any other value may be the API
    #   key or hold it
    def self.wrong(name, value, wanted)
      shown = [Numeric, TrueClass, FalseClass].any? { |type| value.is_a?(type) } ? value.inspect : "a #{value.class}"
      ArgumentError.new("#{name} must be #{wanted}, but is #{shown}", argument: name.to_s)
    end
  end
end
