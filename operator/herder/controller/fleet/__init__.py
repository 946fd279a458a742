"""The gateways in use: a ModelGateway, its Service and its Secrets become replicas to drive, and its status again."""
