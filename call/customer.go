package call

// What is known of those who call, beside the calls: people, the companies they work
// for, what those take from us, and the things that break. Each is a stream of its own.

const (
	StreamCustomer StreamKind = "customer"
	StreamCompany  StreamKind = "company"
	StreamService  StreamKind = "service"
	StreamAsset    StreamKind = "asset"
)

type (
	// CustomerID names a person whom we know.
	CustomerID string
	// CompanyID names who those people work for.
	CompanyID string
)

// Customer is a person whom we know.
type Customer struct {
	ID       CustomerID `json:"id"`
	Name     string     `json:"name"`
	Numbers  []string   `json:"numbers,omitempty"` // E.164; somebody else may have the same
	Mail     string     `json:"mail,omitempty"`
	Language string     `json:"language,omitempty"`
	Company  CompanyID  `json:"company,omitempty"`
	Class    string     `json:"class,omitempty"`    // in place of the company's
	Account  string     `json:"account,omitempty"`  // digits that they key; no secret, and nobody else's
	OptOuts  []string   `json:"opt_outs,omitempty"` // by which they want no notices: mail, sms, call
}

// Company is a customer with many users.
type Company struct {
	ID         CompanyID    `json:"id"`
	Name       string       `json:"name"`
	Client     string       `json:"client,omitempty"` // whose customer it is; empty for everybody's
	Class      string       `json:"class,omitempty"`
	Users      int          `json:"users,omitempty"`      // for the share that a problem affects
	From       string       `json:"from,omitempty"`       // first day of the contract, 2026-01-31
	Until      string       `json:"until,omitempty"`      // its last day
	Authorised []CustomerID `json:"authorised,omitempty"` // who alone may report in its name; none: everybody there
}

// Service is something that companies take from us, and where its callers go.
type Service struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Company CompanyID `json:"company,omitempty"` // who takes it; empty for all
	Queue   QueueID   `json:"queue,omitempty"`
}

// Asset is a thing that can break.
type Asset struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Company  CompanyID  `json:"company,omitempty"`
	Customer CustomerID `json:"customer,omitempty"` // who uses it
	Service  string     `json:"service,omitempty"`  // that it serves
	Serial   string     `json:"serial,omitempty"`
}

// By is who did it, in the form that the API keeps. A Set holds all that is known
// from then on.
type (
	// CustomerSet takes a person on or changes what is known of them.
	CustomerSet struct {
		Customer Customer `json:"customer"`
		By       string   `json:"by"`
	}
	// CustomerPINChanged says that a person has another PIN, or none. It never holds one.
	CustomerPINChanged struct {
		By  string `json:"by"`
		Set bool   `json:"set"`
	}
	// CompanySet is CustomerSet for a company.
	CompanySet struct {
		Company Company `json:"company"`
		By      string  `json:"by"`
	}
	// ServiceSet is CustomerSet for a service.
	ServiceSet struct {
		Service Service `json:"service"`
		By      string  `json:"by"`
	}
	// AssetSet is CustomerSet for an asset.
	AssetSet struct {
		Asset Asset  `json:"asset"`
		By    string `json:"by"`
	}
	// DirectoryRemoved takes out what the stream is about. The stream stays; a later
	// Set takes it in again.
	DirectoryRemoved struct {
		By string `json:"by"`
	}
)

func (CustomerSet) Type() string        { return "customer.set" }
func (CustomerPINChanged) Type() string { return "customer.pin" }
func (CompanySet) Type() string         { return "company.set" }
func (ServiceSet) Type() string         { return "service.set" }
func (AssetSet) Type() string           { return "asset.set" }
func (DirectoryRemoved) Type() string   { return "directory.removed" }

func customerDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case CustomerSet{}.Type():
		return decodeAs[CustomerSet], true
	case CustomerPINChanged{}.Type():
		return decodeAs[CustomerPINChanged], true
	case CompanySet{}.Type():
		return decodeAs[CompanySet], true
	case ServiceSet{}.Type():
		return decodeAs[ServiceSet], true
	case AssetSet{}.Type():
		return decodeAs[AssetSet], true
	case DirectoryRemoved{}.Type():
		return decodeAs[DirectoryRemoved], true
	}
	return nil, false
}
