# frozen_string_literal: true

# A versioner-server with an empty database.
class Service
  attr_reader :url, :key

  APPROVAL = {
    name: 'Approval', type: 'release_approval', environments: ['production'],
    config: { required_approvals: 1, keys: true, exclude_deployer: false }, create: true
  }.freeze

  # Runs one during the block.
  def self.run(program)
    Dir.mktmpdir do |folder|
      service = new(program, folder)
      begin
        yield service
      ensure
        service.stop
      end
    end
  end

  def initialize(program, folder)
    command = [program, '--data', folder, '--listen', '127.0.0.1:0']
    @output = IO.popen(command, err: File::NULL)
    @key = @output.gets.split.last
    @url = @output.gets.split.last
  end

  def stop
    Process.kill('TERM', @output.pid)
    @output.close
  end

  def get(path)
    call(Net::HTTP::Get.new(uri(path)))
  end

  def post(path, body)
    request = Net::HTTP::Post.new(uri(path))
    request.body = JSON.generate(body)
    call(request)
  end

  private

  def uri(path)
    URI(@url + path)
  end

  def call(request)
    request['Authorization'] = "Bearer #{@key}"
    request['Content-Type'] = 'application/json'
    answer = Net::HTTP.start(request.uri.host, request.uri.port) { |http| http.request(request) }
    JSON.parse(answer.body)
  end
end
