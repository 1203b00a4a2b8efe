# frozen_string_literal: true

require 'bigdecimal'
require 'json'

module Versioner
  # Writes +extra_metadata+ as JSON, with numbers exactly as they are.
  class Metadata
    DEEPEST = 100
    # What is allowed, and where to stop writing: lists that hold each other many times, or a number
    # of very many digits, would fill the memory.
    MOST_BYTES = 102_400
    ENOUGH_BYTES = 16 * MOST_BYTES
    private_constant :DEEPEST, :MOST_BYTES, :ENOUGH_BYTES

    # @param value [Hash, String] an object of the caller's own, or its JSON text
    # @return [String]
    # @raise [ArgumentError] for what JSON cannot tell
    def self.json(value)
      value.is_a?(String) ? value : new.json(value)
    end

    # @return [String]
    def json(value)
      @size = 0
      write(value, 'extra_metadata', 1)
    end

    private

    def write(value, place, depth)
      count(1)
      case value
      when Hash, Array then nested(value, place, depth)
      when Float, BigDecimal then counted(number(value, place))
      when String, Symbol then counted(JSON.generate(Text.utf8(place, value.to_s)))
      when Integer, true, false, nil then counted(JSON.generate(value))
      else raise wrong("#{place} is a #{value.class}, which JSON cannot tell")
      end
    end

    def nested(value, place, depth)
      raise wrong("extra_metadata is nested deeper than #{DEEPEST}") if depth > DEEPEST
      return "{#{value.map { |key, each| member(key, each, place, depth) }.join(',')}}" if value.is_a?(Hash)

      "[#{value.each_with_index.map { |each, at| write(each, "#{place}[#{at}]", depth + 1) }.join(',')}]"
    end

    def member(key, value, place, depth)
      is_text = key.is_a?(String) || key.is_a?(Symbol)
      raise wrong("#{place} has a key that is a #{key.class}, and no text") unless is_text

      name = Text.utf8("a key of #{place}", key.to_s)
      "#{counted(JSON.generate(name))}:#{write(value, "#{place}.#{name}", depth + 1)}"
    end

    def number(value, place)
      raise wrong("#{place} is #{value}, which JSON cannot tell") unless value.finite?
      return JSON.generate(value) if value.is_a?(Float)

      count(value.exponent.abs)
      value.to_s('F')
    end

    def counted(text)
      count(text.bytesize)
      text
    end

    def count(bytes)
      @size += bytes
      return if @size <= ENOUGH_BYTES

      raise wrong("extra_metadata is more than #{ENOUGH_BYTES} bytes long, and at most #{MOST_BYTES} are allowed")
    end

    def wrong(problem)
      ArgumentError.new(problem, argument: 'extra_metadata')
    end
  end
end
